# Django's send_mail over its SMTP backend: getfqdn unless patched by the site.
version() { dpkg-query -W -f '${Version}' python3-django; }
send() { local to=$1 from=$2; shift 2; python3 "$PROGRAMS/django-sender.py" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
