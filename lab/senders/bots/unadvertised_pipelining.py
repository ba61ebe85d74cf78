"""A bot that sends the whole envelope in one segment to a server that never offered PIPELINING, and after HELO at that.
FIELD.md 3, no. 18. Written by hand. TCP: Windows TTL, close without QUIT."""
from wire import Wire, run, spam


def session(chance, to, number):
    w = Wire(to.SLOW, ttl=128)
    w.reply()
    sender, rcpt = f"p{chance.randrange(9999)}@parcel.example", to.rcpt(to.SLOW)
    w.write(f"HELO host-{chance.randrange(99)}.fiber.example\r\nMAIL FROM:<{sender}>\r\nRCPT TO:<{rcpt}>\r\nDATA\r\n")
    for _ in range(4):
        w.reply()
    w.write(spam(chance, sender, rcpt) + ".\r\nQUIT\r\n")
    w.reply()
    w.close()


run(session)
