"""A home-made mailer that loses count of replies: DATA is accepted with 354, its first message ends at once, and the header lines come
where commands belong. FIELD.md 3, no. 20 (class A only after an accepted 354). Written by hand. TCP: as Linux is."""
from wire import Wire, run, spam


def session(chance, to, number):
    w = Wire(to.PLAIN)
    w.reply()
    w.say(f"HELO mail{chance.randrange(99)}.office.example")
    sender, rcpt = f"k{chance.randrange(9999)}@kiosk.example", to.rcpt(to.PLAIN)
    w.say(f"MAIL FROM:<{sender}>")
    w.say(f"RCPT TO:<{rcpt}>")
    if w.say("DATA") == 354:
        w.say(".")
        for line in spam(chance, sender, rcpt).splitlines():
            if line:
                w.say(line)
        w.say(".")
    w.close()


run(session)
