# argv: server helo from subject body tls rcpt...
import sys
from django.conf import settings
server, helo, sender, subject, body, tls, *to = sys.argv[1:]
settings.configure(EMAIL_HOST=server, EMAIL_PORT=25, EMAIL_TIMEOUT=20)
from django.core.mail import DNS_NAME, send_mail
if helo:
    DNS_NAME._fqdn = helo
try:
    send_mail(subject, body, sender, to)
except Exception as error:
    print(error, file=sys.stderr)
    sys.exit(1)
