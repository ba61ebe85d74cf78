#!/usr/bin/python3
import smtplib, socket, sys
# Is the exchanger reachable from here? Mail to most of our people goes there.
try:
    with smtplib.SMTP(sys.argv[1], 25, local_hostname=socket.gethostname() + '.alive', timeout=10) as server:
        server.ehlo()
except OSError as error:
    print(sys.argv[1], error)
