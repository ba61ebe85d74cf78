# curl smtp://HOST/HELO. It sends the file as it is: LF ends stay bare unless --crlf is given.
version() { curl --version | awk 'NR==1{print $2}'; }
send() { local to=$1 from=$2; shift 2; local rcpt=(); for r in "$@"; do rcpt+=(--mail-rcpt "$r"); done
    local crlf=--crlf; [ -n "${BARE_LF:-}" ] && crlf=
    curl -s -S -m 20 $crlf --mail-rcpt-allowfails "smtp://$to:25/$HELO" --mail-from "$from" "${rcpt[@]}" $([ "$(tls "$to")" = on ] && echo --ssl -k) --upload-file "$MSG"; }
