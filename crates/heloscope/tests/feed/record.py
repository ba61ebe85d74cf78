#!/usr/bin/env python3
"""Records mail.log: a real Postfix (smtpd and postscreen) on loopback in a network namespace of its own, and
clients that speak to it as bots and as mail servers do. Their addresses come by the PROXY protocol. Needs root
and Debian's postfix. Run: unshare --net --mount python3 record.py > mail.log"""
import os, socket, subprocess, sys, tempfile, time

SMTPD, SCREEN = ("127.0.0.1", 2525), ("127.0.0.1", 2526)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
d = tempfile.mkdtemp(); os.chmod(d, 0o755)
for sub in ("queue", "data"):
    os.mkdir(f"{d}/{sub}")
subprocess.run(["chown", "postfix", f"{d}/data"], check=True)
open(f"{d}/main.cf", "w").write(f"""compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
maillog_file = {d}/log
maillog_file_prefixes = {d}
mail_owner = postfix
setgid_group = postdrop
inet_protocols = ipv4
myhostname = mx.inbox.example
mydestination = inbox.example
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps = inline:{{{{anna@inbox.example=x}},{{spamtrap@inbox.example=x}}}}
local_transport = discard
smtpd_peername_lookup = no
smtpd_client_port_logging = no
smtpd_upstream_proxy_protocol = haproxy
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, reject_unlisted_recipient, reject_invalid_helo_hostname
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_forbidden_commands = CONNECT, GET, POST
postscreen_upstream_proxy_protocol = haproxy
postscreen_access_list =
postscreen_dnsbl_action = ignore
postscreen_greet_action = enforce
postscreen_greet_wait = 1s
postscreen_greet_banner = mx.inbox.example
postscreen_bare_newline_enable = yes
postscreen_bare_newline_action = enforce
postscreen_non_smtp_command_enable = yes
postscreen_pipelining_enable = yes
""")
open(f"{d}/master.cf", "w").write(f"""{SMTPD[0]}:{SMTPD[1]} inet n - n - - smtpd
{SCREEN[0]}:{SCREEN[1]} inet n - n - 1 postscreen
smtpd pass - - n - - smtpd -o smtpd_upstream_proxy_protocol=
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
dnsblog unix - - n - 0 dnsblog
postlog unix-dgram n - n - 1 postlogd
""")
child = subprocess.Popen(["postfix", "-c", d, "start-fg"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
for _ in range(100):
    try:
        socket.create_connection(SCREEN).close(); socket.create_connection(SMTPD).close(); break
    except OSError:
        time.sleep(0.1)


class Client:
    def __init__(self, server, address, port):
        self.s = socket.create_connection(server); self.s.settimeout(8); self.kept = b""
        self.s.sendall(f"PROXY TCP4 {address} 192.0.2.10 {port} 25\r\n".encode())

    def reply(self):
        while True:
            while b"\n" in self.kept:
                line, self.kept = self.kept.split(b"\n", 1)
                if line[3:4] != b"-":
                    return line
            got = self.s.recv(4096)
            if not got:
                return b""
            self.kept += got

    def say(self, line, end="\r\n"):
        self.s.sendall((line + end).encode())
        try:
            return self.reply()
        except OSError:
            return b""

    def mail(self, helo, sender, *to):
        self.reply(); self.say(helo); self.say(f"MAIL FROM:<{sender}>")
        answers = [self.say(f"RCPT TO:<{one}>") for one in to]
        if any(a.startswith(b"250") for a in answers):
            self.say("DATA"); self.say(f"From: {sender}\r\nTo: {to[0]}\r\nSubject: x\r\n\r\nx\r\n.")
        self.say("QUIT"); self.s.close()


# A mail server: well configured, one recipient of two exists.
Client(SMTPD, "198.51.100.10", 40001).mail("EHLO mail.partner.example", "joe@partner.example", "anna@inbox.example", "nobody@inbox.example")
# A bot that says [127.0.0.1] to a trap and to an unknown recipient.
Client(SMTPD, "203.0.113.7", 40002).mail("EHLO [127.0.0.1]", "x@webmail.example", "spamtrap@inbox.example", "gone@inbox.example")
# The AUTH guesser of the ylmf-pc kind: speaks before the greeting.
c = Client(SCREEN, "203.0.113.8", 40003); time.sleep(0.2); c.say("EHLO ylmf-pc"); c.say("QUIT"); c.s.close()
# A scanner for open proxies.
c = Client(SCREEN, "203.0.113.9", 40004); c.reply(); c.say("GET http://192.0.2.10:25/ HTTP/1.1"); c.s.close()
# A bot that sends its envelope in one write.
c = Client(SCREEN, "203.0.113.11", 40005); c.reply(); c.say("EHLO dsl-7.fiber.example\r\nMAIL FROM:<p@parcel.example>\r\nRCPT TO:<anna@inbox.example>"); c.say("QUIT"); c.s.close()
# A bot whose lines end with LF alone.
c = Client(SCREEN, "203.0.113.12", 40006); c.reply(); c.say("HELO localhost", "\n"); c.say("MAIL FROM:<a@a.example>", "\n"); c.say("RCPT TO:<anna@inbox.example>", "\n"); c.s.close()
# A mail server that postscreen lets through after its deep tests (it must come again).
Client(SCREEN, "198.51.100.11", 40007).mail("EHLO mail.other.example", "eva@other.example", "anna@inbox.example")
# A stranger who writes fields of the log into his HELO.
Client(SMTPD, "203.0.113.13", 40008).mail("EHLO a; from=<b@b.example> to=<spamtrap@inbox.example> proto=ESMTP helo=<[127.0.0.1]", "x@y.example", "gone@inbox.example")
# An own user hands in a mail to another site; the server sends it on.
Client(SMTPD, "127.0.0.9", 40009).mail("EHLO [127.0.0.1]", "anna@inbox.example", "spamtrap@elsewhere.example")
time.sleep(2)
subprocess.run(["postfix", "-c", d, "stop"], stderr=subprocess.DEVNULL)
child.wait()
sys.stdout.write("".join(l for l in open(f"{d}/log") if "postfix-script" not in l and d not in l))
