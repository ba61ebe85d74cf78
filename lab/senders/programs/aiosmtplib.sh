# aiosmtplib (Python, asyncio): the FQDN as getfqdn finds it.
version() { dpkg-query -W -f '${Version}' python3-aiosmtplib; }
send() { local to=$1 from=$2; shift 2; python3 "$PROGRAMS/aiosmtplib-sender.py" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
