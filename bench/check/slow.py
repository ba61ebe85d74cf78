#!/usr/bin/env python3
"""A name server of many lists whose answers are slow: ADDRESS PORT DELAY_MS.

Every zone lists 127.0.0.2 and nobody else; each answer comes after its delay, however many wait."""
import socket, sys, threading, time, heapq

address, port, delay = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) / 1000
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
server.bind((address, port))
print("ready", flush=True)
waiting, ready = [], threading.Condition()


def later():
    while True:
        with ready:
            while not waiting or waiting[0][0] > time.monotonic():
                ready.wait(max(0, waiting[0][0] - time.monotonic()) if waiting else None)
            _, _, reply, to = heapq.heappop(waiting)
        server.sendto(reply, to)


threading.Thread(target=later, daemon=True).start()
number = 0
while True:
    question, to = server.recvfrom(4096)
    end = question.index(b"\0", 12) + 5
    listed = question[12:].lower().startswith(b"\x012\x010\x010\x03127") and question[end - 4:end - 2] == b"\0\x01"
    head = question[:2] + (b"\x85\x80" if listed else b"\x85\x83") + b"\0\x01" + (b"\0\x01" if listed else b"\0\0") + b"\0\0\0\0"
    record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x02" if listed else b""
    number += 1
    with ready:
        heapq.heappush(waiting, (time.monotonic() + delay, number, head + question[12:end] + record, to))
        ready.notify()
