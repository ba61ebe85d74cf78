# Python's smtplib: the FQDN, else the address the name has: [127.0.1.1] on Debian.
version() { python3 -V; }
send() { local to=$1 from=$2; shift 2; python3 "$PROGRAMS/smtplib-sender.py" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
