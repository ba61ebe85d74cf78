"""A bot that puts a random label before the domain of its own reverse name; that name does not exist. FIELD.md 2 (third row from below) and 3,
no. 12, 11. Written by hand. TCP: Windows TTL."""
from wire import Wire, run


def session(chance, to, number):
    w = Wire(to.PLAIN, ttl=128)
    w.reply()
    label = "".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(8))
    w.say(f"EHLO {label}.access.example")
    sender, rcpt = f"y{chance.randrange(9999)}@yes.example", to.rcpt(to.PLAIN)
    w.mail(chance, sender, rcpt)


run(session)
