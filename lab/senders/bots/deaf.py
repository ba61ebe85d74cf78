"""A bot that reads replies and minds none: after a refused recipient it says DATA and sends its headers and body whatever the answer.
FIELD.md 3, no. 20 (refused DATA: class B), 21 (deaf). Written by hand. TCP: Windows TTL."""
from wire import Wire, run, spam


def session(chance, to, number):
    w = Wire(to.PLAIN, ttl=128)
    w.reply()
    w.say(f"HELO host{chance.randrange(99)}.cable.example")
    sender, rcpt = f"n{chance.randrange(9999)}@news.example", "gone" + to.rcpt(to.PLAIN)
    w.say(f"MAIL FROM:<{sender}>")
    w.say(f"RCPT TO:<{rcpt}>")
    w.say("DATA")
    w.write(spam(chance, sender, rcpt))
    w.say(".")
    w.say("QUIT")
    w.close()


run(session)
