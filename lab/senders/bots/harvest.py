"""A dictionary harvester: names in order of the alphabet, most of them unknown, no mail. FIELD.md 3, no. 27, and 1 (the CBL lists
dictionary harvesters). Written by hand. TCP: as Linux is; ends with RST."""
from wire import Wire, run


def session(chance, to, number):
    w = Wire(to.PLAIN, reset=True)
    w.reply()
    w.say(f"EHLO box{chance.randrange(9)}.hosting.example")
    w.say("MAIL FROM:<>")
    for n in range(12):
        name = f"{chance.choice('abcdefgh')}{chance.choice(['smith', 'jones', 'weber', 'rossi'])}"
        w.say(f"RCPT TO:<{'' if n % 6 == 5 else 'x-'}{name}{number}@inbox.example>")
        if n % 5 == 4:
            w.say("RSET")
            w.say("MAIL FROM:<>")
    w.close()


run(session)
