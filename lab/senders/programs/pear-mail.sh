# PEAR Mail over Net_SMTP: `localhost` until localhost= is given.
version() { dpkg-query -W -f '${Version}' php-mail; }
send() { local to=$1 from=$2; shift 2; php "$PROGRAMS/pear.php" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
