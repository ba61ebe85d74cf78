"""A bot that greets with an address literal that is not its own. FIELD.md 3, no. 3 (helo-literal-mismatch) and 7 (the address without
brackets). Written by hand. TCP: Windows TTL."""
from wire import Wire, run


def session(chance, to, number):
    w = Wire(to.PLAIN, ttl=128)
    w.reply()
    other = f"198.51.100.{chance.randrange(200, 250)}"
    w.say(f"HELO [{other}]" if number % 2 else f"HELO {other}")
    sender, rcpt = f"v{chance.randrange(9999)}@via.example", to.rcpt(to.PLAIN)
    w.mail(chance, sender, rcpt)


run(session)
