"""A bot that does not wait: greeting, sender and recipient are sent before the banner came. FIELD.md 3, no. 17 (pregreet), 25.
Written by hand. TCP: small window, everything in one segment, close without QUIT."""
import time
from wire import Wire, run, spam


def session(chance, to, number):
    w = Wire(to.SLOW, window=4096)
    who = f"pc{chance.randrange(99)}.dsl.example"
    sender, rcpt = f"m{chance.randrange(999)}@bulk.example", to.rcpt(to.SLOW)
    w.write(f"HELO {who}\r\n")
    w.reply()
    w.reply()
    w.say(f"MAIL FROM:<{sender}>")
    w.say(f"RCPT TO:<{rcpt}>")
    if w.say("DATA") == 354:
        w.say(spam(chance, sender, rcpt) + ".")
    w.close()


run(session)
