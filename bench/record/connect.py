"""Connections at a steady rate: connect.py PORT RATE SECONDS

Opens and closes RATE connections a second to a listener of its own on 127.0.0.1:PORT, each with a few bytes in both directions, in bursts of
a hundredth of a second. Falls behind where the machine is busy, and
never hurries to catch up. Prints how many there were, and how many seconds they took."""
import socket, sys, time

port, rate, seconds = (int(word) for word in sys.argv[1:4])
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", port))
server.listen(1024)
begun, done = time.monotonic(), 0
while (now := time.monotonic() - begun) < seconds:
    due = min(int(now * rate), done + rate // 50)
    while done < due:
        client = socket.create_connection(("127.0.0.1", port))
        taken, _ = server.accept()
        taken.send(b"220 sink\r\n")
        client.send(b"QUIT\r\n")
        client.close()
        taken.close()
        done += 1
    time.sleep(0.01)
print(done, time.monotonic() - begun)
