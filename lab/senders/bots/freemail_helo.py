"""A bot that greets with a big provider's name from an address that is not theirs. FIELD.md 3, no. 13 (helo-big-name-wrong-ptr).
Written by hand. TCP: Windows TTL; verbs in lower case."""
from wire import Wire, run, spam


def session(chance, to, number):
    w = Wire(to.PLAIN, ttl=128)
    w.reply()
    big = chance.choice(["gmail.com", "yahoo.com", "hotmail.com", "mail.ru", "aol.com"])
    w.say(f"helo {big}")
    sender, rcpt = f"w{chance.randrange(9999)}@{big}", to.rcpt(to.PLAIN)
    w.say(f"mail from:<{sender}>")
    w.say(f"rcpt to:<{rcpt}>")
    if w.say("data") == 354:
        w.say(spam(chance, sender, rcpt) + ".")
    w.say("quit")
    w.close()


run(session)
