# swaks, the administrators' test tool.
version() { swaks --version | awk 'NR==1{print $3}'; }
send() { local to=$1 from=$2; shift 2; local all; all=$(IFS=,; echo "$*"); swaks --server "$to" ${HELO:+--ehlo "$HELO"} --from "$from" --to "$all" --data "@$MSG" $([ "$(tls "$to")" = on ] && echo --tls-optional) --timeout 20 --hide-all; }
