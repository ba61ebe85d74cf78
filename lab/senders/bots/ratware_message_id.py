"""Ratware that forges Outlook Express: halves of the Message-Id come again in the MIME boundary. FIELD.md 3, no. 32, and the header line of the
bot of 2006 in 2. Written by hand. TCP: Windows TTL and window."""
from wire import Wire, run


def session(chance, to, number):
    w = Wire(to.PLAIN, ttl=128, window=65535)
    w.reply()
    w.say(f"HELO dsl-{chance.randrange(256)}-{chance.randrange(256)}.pool.example")
    sender, rcpt = f"r{chance.randrange(9999)}@rat.example", to.rcpt(to.PLAIN)
    w.say(f"MAIL FROM: <{sender}>")
    w.say(f"RCPT TO: <{rcpt}>")
    high, low = f"01c6{chance.randrange(1 << 16):04x}", f"{chance.randrange(1 << 32):08x}"
    line = f"----=_NextPart_000_0006_{high.upper()}.{low.upper()}"
    if w.say("DATA") == 354:
        w.say(f"Message-ID: <0006{high}${low}$6401a8c0@pc>\r\nFrom: <{sender}>\r\nTo: <{rcpt}>\r\nSubject: Re: meds\r\n"
              f"X-Mailer: Microsoft Outlook Express 6.00.2900.2180\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n\tboundary=\"{line}\"\r\n\r\n"
              f"--{line}\r\nContent-Type: text/plain\r\n\r\nmeds\r\n--{line}--\r\n.")
    w.say("QUIT")
    w.close()


run(session)
