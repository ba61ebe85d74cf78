# sendEmail 1.56 (Perl): says the machine's name, or what it is given as FQDN.
version() { dpkg-query -W -f '${Version}' sendemail; }
send() { local to=$1 from=$2; shift 2; sendemail -f "$from" -t "$@" -u "$SUBJECT" -m "$BODY" -s "$to:25" ${HELO:+-o fqdn="$HELO"} -o tls=no -q; }
