# JavaMail 1.6: mail.smtp.localhost, else the name Java finds for the machine.
version() { dpkg-query -W -f '${Version}' libmail-java; }
send() { local to=$1 from=$2; shift 2; java -Xshare:auto -XX:TieredStopAtLevel=1 -cp "$BUILT:/usr/share/java/javax.mail.jar:/usr/share/java/javax.activation.jar" Send "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
