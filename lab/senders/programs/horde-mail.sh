# Horde Mail, smtp backend: `localhost` until localhost= is given.
version() { dpkg-query -W -f '${Version}' php-horde-mail; }
send() { local to=$1 from=$2; shift 2; php "$PROGRAMS/horde.php" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
