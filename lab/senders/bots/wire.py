"""The wire under the lab's bots: a socket with TCP habits of its own. Lab only: it speaks to the address it is given and nothing else.

Habits stand for what SYNs of bot hosts show (FIELD.md 35, 36): TTL and port range of Windows, small windows, an odd MSS, a close by RST.
"""
import argparse, random, socket, struct, time

NAMES = ["anna", "bela", "carl", "dora", "emil", "fred", "gina", "hugo", "ines", "jan"]


class Gone(Exception):
    """The server ended the conversation."""


class Wire:
    def __init__(self, server, port=25, ttl=None, window=None, mss=None, reset=False, timeout=12):
        self.reset, self.kept = reset, b""
        self.sock = socket.socket()
        if ttl:
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        if window:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        if mss:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(timeout)
        self.sock.connect((server, port))

    def reply(self):
        """One whole reply: its code and text."""
        while True:
            lines = self.kept.split(b"\n")
            for n, line in enumerate(lines[:-1]):
                if line[3:4] != b"-":
                    self.kept = b"\n".join(lines[n + 1:])
                    return int(line[:3] or b"0") if line[:3].isdigit() else 0, line
            more = self.read()
            self.kept += more

    def read(self):
        try:
            more = self.sock.recv(4096)
        except OSError:
            raise Gone
        if not more:
            raise Gone
        return more

    def write(self, data):
        try:
            self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        except OSError:
            raise Gone

    def say(self, line, end="\r\n"):
        self.write(line + end)
        return self.reply()[0]

    def mail(self, chance, sender, rcpt):
        """One mail in lockstep, and goodbye: what is odd about most bots comes before it."""
        self.say(f"MAIL FROM:<{sender}>")
        self.say(f"RCPT TO:<{rcpt}>")
        if self.say("DATA") == 354:
            self.say(spam(chance, sender, rcpt) + ".")
        self.say("QUIT")
        self.close()

    def close(self):
        if self.reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def run(session):
    """Calls session(chance, to, number) for each session; `to` picks a server that fits the recipients it gives."""
    words = argparse.ArgumentParser()
    words.add_argument("--count", type=int, default=5)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--address", default="203.0.113.9", help="the address the bot's host shows outside")
    words.add_argument("--server", help="one exchanger instead of the receiver's three")
    words.add_argument("--domain", help="whose mail it takes")
    line = words.parse_args()
    if line.server:
        Targets.PLAIN = Targets.SLOW = Targets.SINK = line.server
        Targets.DOMAINS = {line.server: line.domain}
    chance = random.Random(line.seed)
    for number in range(line.count):
        try:
            session(chance, Targets(chance, line.address), number)
        except (Gone, OSError):
            pass
        time.sleep(chance.uniform(0.01, 0.08))


class Targets:
    """Exchangers of the lab's receiver, and recipients there."""
    PLAIN, SLOW, SINK = "192.0.2.10", "192.0.2.13", "192.0.2.12"
    DOMAINS = {PLAIN: "inbox.example", SLOW: "slowly.example", SINK: "inbxo.example"}

    def __init__(self, chance, address):
        self.chance, self.address = chance, address

    def rcpt(self, server, gone=0.0):
        name = self.chance.choice(NAMES) + str(self.chance.randrange(1000))
        if self.chance.random() < gone:
            name = "gone" + name
        return f"{name}@{self.DOMAINS[server]}"


def spam(chance, sender, to, more=""):
    """A message as a bot puts it together."""
    goods = chance.choice(["Cheap watches", "Pharmacy", "You won", "Loan approved", "Hot stocks"])
    return (f"From: {sender}\r\nTo: {to}\r\nSubject: {goods} {chance.randrange(9999)}\r\n{more}\r\n"
            f"{goods}! http://shop{chance.randrange(99)}.example/{chance.randrange(10**6)}\r\n")
