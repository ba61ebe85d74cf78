# argv: server helo from subject body tls rcpt...
import smtplib, ssl, sys
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
server, helo, sender, subject, body, tls, *to = sys.argv[1:]
m = EmailMessage()
m["From"], m["To"], m["Subject"], m["Date"] = sender, ", ".join(to), subject, formatdate()
m["Message-ID"] = make_msgid(domain=sender.split("@")[1])
m.set_content(body)
with smtplib.SMTP(server, 25, local_hostname=helo or None, timeout=20) as s:
    if tls == "on":
        s.starttls(context=ssl._create_unverified_context())
    try:
        s.send_message(m, sender, to)
    except smtplib.SMTPException as error:
        print(error, file=sys.stderr)
        sys.exit(1)
