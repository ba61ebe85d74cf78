# s-nail's own SMTP; `smtp-hostname` gives the EHLO.
version() { s-nail -V 2>/dev/null | grep -om1 'v[0-9.]*'; }
send() { local to=$1 from=$2; shift 2; printf '%s\n' "$BODY" | s-nail -:/ -S v15-compat -S mta="smtp://$to:25" -S smtp-auth=none -S from="$from" ${HELO:+-S hostname="$HELO"} -S sendwait -s "$SUBJECT" "$@"; }
