"""Requests that reach a mail port through an abused proxy: CONNECT, POST with the SMTP dialogue in its body, GET, SOCKS4 and SOCKS5
greetings; after some of them mail follows. FIELD.md 1 (CBL: HTTP, SOCKS proxies) and 3, no. 19. Written by hand. TCP: as Linux is."""
from wire import Wire, run, spam


def session(chance, to, number):
    way = number % 5
    w = Wire(to.SINK if way in (0, 1) else to.PLAIN, timeout=1)
    sender, rcpt = f"q{chance.randrange(9999)}@lucky.example", to.rcpt(to.SINK)
    mail = f"HELO lucky.example\r\nMAIL FROM:<{sender}>\r\nRCPT TO:<{rcpt}>\r\nDATA\r\n{spam(chance, sender, rcpt)}.\r\nQUIT\r\n"
    if way == 0:
        w.write("CONNECT 192.0.2.12:25 HTTP/1.0\r\n\r\n" + mail)
    elif way == 1:
        w.write(f"POST http://192.0.2.12:25/ HTTP/1.1\r\nHost: 192.0.2.12:25\r\nContent-Length: {len(mail)}\r\n\r\n{mail}")
    elif way == 2:
        w.write("GET http://192.0.2.10:25/ HTTP/1.0\r\n\r\n")
    elif way == 3:
        w.write(b"\x04\x01\x00\x19\xc0\x00\x02\x0a\x00")
    else:
        w.write(b"\x05\x01\x00")
    for _ in range(6):
        w.read()
    w.close()


run(session)
