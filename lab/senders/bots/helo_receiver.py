"""A bot that greets with the receiver's own address or name. FIELD.md 3, no. 2 (helo-is-receiver). Written by hand.
TCP: Windows TTL, MSS of a DSL line."""
from wire import Wire, run, spam


def session(chance, to, number):
    w = Wire(to.PLAIN, ttl=128, mss=1452)
    w.reply()
    w.say("HELO " + chance.choice(["192.0.2.10", "[192.0.2.10]", "mx.inbox.example"]))
    sender, rcpt = f"{to.rcpt(to.PLAIN)}", to.rcpt(to.PLAIN)
    w.say(f"MAIL FROM: <{sender}>")
    w.say(f"RCPT TO: <{rcpt}>")
    if w.say("DATA") == 354:
        w.say(spam(chance, sender, rcpt) + ".")
    w.say("QUIT")
    w.close()


run(session)
