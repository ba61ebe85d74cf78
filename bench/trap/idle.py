"""Clients that say EHLO and fall silent: what they cost a server, and whether it serves others.

idle.py PORT COUNT PID RSS_BEFORE_KIB
"""

import smtplib
import socket
import sys
import time

port, count, pid, before = (int(word) for word in sys.argv[1:5])


def rss():
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def one_mail():
    begin = time.monotonic()
    with smtplib.SMTP("127.0.0.1", port, local_hostname="mail.example.org") as client:
        client.sendmail("a@example.org", ["b@example.net"], "Subject: x\n\nhello\n")
    return (time.monotonic() - begin) * 1000


alone = sorted(one_mail() for _ in range(20))[10]
clients = []
for number in range(count):
    client = socket.socket()
    # An address holds some 28,000 ports, those of finished sessions included: spread them.
    client.bind((f"127.0.{1 + number // 5000}.1", 0))
    client.connect(("127.0.0.1", port))
    clients.append(client)
for client in clients:
    assert client.recv(512).startswith(b"220"), "an idle client was not let in"
    client.sendall(b"EHLO idle.example.org\r\n")
for client in clients:
    assert client.recv(512).startswith(b"250-"), "an idle client was not answered"
beside = sorted(one_mail() for _ in range(20))[10]
cost = rss() - before
print(f"{count} idle clients: {before} KiB before, {before + cost} KiB with them, {cost / count:.1f} KiB each")
print(f"one mail: {alone:.1f} ms alone, {beside:.1f} ms beside them (medians of 20)")
