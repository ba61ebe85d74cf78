"""Through a router: headers.py serve PORT | headers.py connect ADDRESS PORT RATE SECONDS | headers.py flood ADDRESS PORT SECONDS

`serve` takes connections, greets, hears a line and closes. `connect` opens RATE a second for SECONDS, says QUIT, closes, and prints how many
there were and how many seconds they took. `flood` sends SYNs from addresses of 10.0.0.0/8, as fast as it can, and prints how many."""
import socket, struct, sys, time

def serve(port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("0.0.0.0", port))
    server.listen(4096)
    while True:
        taken, _ = server.accept()
        try:
            taken.send(b"220 sink\r\n")
            taken.recv(64)
        except OSError:
            pass
        taken.close()

def connect(address, port, rate, seconds):
    begun, done, open_ = time.monotonic(), 0, []
    while (now := time.monotonic() - begun) < seconds:
        due = min(int(now * rate), done + rate // 50)
        while done < due:
            client = socket.create_connection((address, port))
            client.send(b"QUIT\r\n")
            open_.append(client)
            done += 1
        while len(open_) > rate // 20:
            client = open_.pop(0)
            while client.recv(64):
                pass
            client.close()
        time.sleep(0.005)
    for client in open_:
        client.close()
    print(done, time.monotonic() - begun)

def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF

def flood(address, port, seconds):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    to, sent, until = socket.inet_aton(address), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        source = struct.pack("!I", 0x0A000000 + sent % 0xFFFFFF)
        head = struct.pack("!HHIIBBHHH", 1024 + sent % 60000, port, sent % 2**32, 0, 0x50, 2, 64240, 0, 0)
        sum_ = checksum(source + to + struct.pack("!HH", 6, len(head)) + head)
        head = head[:16] + struct.pack("!H", sum_) + head[18:]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0x4000, 64, 6, 0, source, to)
        raw.sendto(ip + head, (address, 0))
        sent += 1
    print(sent, float(seconds))

mode, *rest = sys.argv[1:]
if mode == "serve":
    serve(int(rest[0]))
elif mode == "connect":
    connect(rest[0], *map(int, rest[1:]))
else:
    flood(rest[0], *map(int, rest[1:]))
