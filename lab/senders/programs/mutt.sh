# mutt with smtp_url; `hostname` gives the EHLO.
version() { mutt -v | awk 'NR==1{print $2}'; }
send() { local to=$1 from=$2; shift 2; printf '%s\n' "$BODY" | mutt -n -F /dev/null -e "set smtp_url=smtp://$to:25" -e "set ssl_starttls=no" -e "set ssl_force_tls=no" -e "set from=$from" -e "set use_envelope_from" -e "set copy=no" ${HELO:+-e "set hostname=$HELO"} -s "$SUBJECT" "$@"; }
