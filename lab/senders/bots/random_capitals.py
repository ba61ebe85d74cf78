"""A bot that greets with 7 to 10 random capitals. FIELD.md 2 (last row but one) and 3, no. 8, 9. Written by hand.
TCP: Windows TTL, small window."""
from wire import Wire, run, spam

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def session(chance, to, number):
    w = Wire(to.PLAIN, ttl=128, window=8192)
    w.reply()
    w.say("HELO " + "".join(chance.choice(LETTERS) for _ in range(chance.randint(7, 10))))
    sender, rcpt = f"s{chance.randrange(9999)}@offers.example", to.rcpt(to.PLAIN)
    w.say(f"MAIL FROM: <{sender}>")
    w.say(f"RCPT TO: <{rcpt}>")
    if w.say("DATA") == 354:
        w.say(spam(chance, sender, rcpt) + ".")
    w.say("QUIT")
    w.close()


run(session)
