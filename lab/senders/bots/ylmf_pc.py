"""The AUTH guesser that says `EHLO ylmf-pc`: FIELD.md 2 (Cutwail-family guesser: EHLO 0.2 s after connect, before the banner, several
connections a second) and 3, no. 1, 17, 28. Written by hand; no sample was used. TCP: Windows TTL, close by RST."""
import base64, time
from wire import Wire, run


def session(chance, to, number):
    w = Wire(to.SLOW, ttl=128, reset=True)
    time.sleep(0.2)
    w.write("EHLO ylmf-pc\r\n")
    w.reply()
    w.reply()
    if w.say("AUTH LOGIN") == 334:
        w.say(base64.b64encode(chance.choice([b"info", b"admin", b"test"])).decode())
        w.say(base64.b64encode(b"123456").decode())
    w.close()


run(session)
