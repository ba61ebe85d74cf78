# argv: server helo from subject body tls rcpt...
import asyncio, sys, aiosmtplib
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
server, helo, sender, subject, body, tls, *to = sys.argv[1:]
m = EmailMessage()
m["From"], m["To"], m["Subject"], m["Date"] = sender, ", ".join(to), subject, formatdate()
m["Message-ID"] = make_msgid(domain=sender.split("@")[1])
m.set_content(body)
try:
    asyncio.run(aiosmtplib.send(m, sender=sender, recipients=to, hostname=server, port=25, timeout=20,
                                start_tls=tls == "on", validate_certs=False, **({"source_address": helo} if helo else {})))
except Exception as error:
    print(error, file=sys.stderr)
    sys.exit(1)
