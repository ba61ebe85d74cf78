"""A bot that sends straight to the exchanger and says `[127.0.0.1]`: the seed notice of FIELD.md 1 ("This host HELOed as [127.0.0.1]") and
3, no. 3, 4. Written by hand. TCP: Windows TTL; each line in two writes."""
from wire import Wire, run, spam


def session(chance, to, number):
    w = Wire(to.PLAIN, ttl=128)
    w.reply()
    w.write("EHLO [127.0")
    w.say(".0.1]")
    sender, rcpt = f"x{chance.randrange(9999)}@webmail.example", to.rcpt(to.PLAIN)
    w.say(f"MAIL FROM:<{sender}>")
    w.say(f"RCPT TO:<{rcpt}>")
    if w.say("DATA") == 354:
        w.say(spam(chance, sender, rcpt) + ".")
    w.close()


run(session)
