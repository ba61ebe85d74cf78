# swaks, the administrators' test tool.
version() { swaks --version | awk 'NR==1{print $3}'; }
send() { local to=$1 from=$2; shift 2; local IFS=,; swaks --server "$to" ${HELO:+--ehlo "$HELO"} --from "$from" --to "$*" --data "@$MSG" $(IFS=' '; [ "$(tls "$to")" = on ] && echo --tls-optional) --timeout 20 --hide-all; }
