"""One address that greets with another name each time. FIELD.md 3, no. 14 (helo-rotation). Written by hand. TCP: Windows TTL."""
from wire import Wire, run

WORDS = ["sun", "moon", "star", "river", "stone", "cloud", "maple", "cedar"]


def session(chance, to, number):
    w = Wire(to.PLAIN, ttl=128)
    w.reply()
    w.say(f"HELO {chance.choice(WORDS)}{chance.randrange(999)}.{chance.choice(WORDS)}.example")
    sender, rcpt = f"t{chance.randrange(9999)}@turn.example", to.rcpt(to.PLAIN)
    w.mail(chance, sender, rcpt)


run(session)
