"""A bot that writes to everyone in his own name, and ends its lines with LF alone. FIELD.md 3, no. 26 (sender-is-recipient), 22 (bare-lf), 5
(helo-localhost). Written by hand. TCP: as Linux is."""
from wire import Wire, run, spam


def session(chance, to, number):
    w = Wire(to.PLAIN)
    w.reply()
    w.say("HELO localhost", "\n")
    rcpt = to.rcpt(to.PLAIN)
    w.say(f"MAIL FROM:<{rcpt}>", "\n")
    w.say(f"RCPT TO:<{rcpt}>", "\n")
    if w.say("DATA", "\n") == 354:
        w.write(spam(chance, rcpt, rcpt).replace("\r\n", "\n"))
        w.say(".", "\r\n")
    w.close()


run(session)
