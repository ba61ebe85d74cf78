"""A bot that forges a mail program's headers and goes straight to the exchanger, no Received line. FIELD.md 3, no. 33, 34
(mua-direct-to-mx) and 8: a bare Windows name as HELO. Written by hand. TCP: Windows TTL."""
from wire import Wire, run, spam


def session(chance, to, number):
    w = Wire(to.PLAIN, ttl=128)
    w.reply()
    w.say(f"EHLO DESKTOP-{chance.randrange(16 ** 6):06X}")
    sender, rcpt = f"u{chance.randrange(9999)}@home.example", to.rcpt(to.PLAIN)
    w.say(f"MAIL FROM:<{sender}>")
    w.say(f"RCPT TO:<{rcpt}>")
    agent = chance.choice(["X-Mailer: Microsoft Outlook 16.0", "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:102.0) Gecko/20100101 Thunderbird/102.4.0", "X-Mailer: The Bat! (v9.2.5) Professional"])
    if w.say("DATA") == 354:
        w.say(spam(chance, sender, rcpt, agent + "\r\n") + ".")
    w.say("QUIT")
    w.close()


run(session)
