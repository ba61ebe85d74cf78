# msmtp 1.8; without a domain it says `localhost`.
version() { msmtp --version | awk 'NR==1{print $3}'; }
send() { local to=$1 from=$2; shift 2; msmtp --host="$to" --port=25 ${HELO:+--domain="$HELO"} --from="$from" --tls="$(tls "$to")" --tls-certcheck=off --timeout=20 "$@" < "$MSG"; }
