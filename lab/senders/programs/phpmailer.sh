# PHPMailer 6 (Debian): Helo, else the server name PHP knows, else localhost.localdomain.
version() { dpkg-query -W -f '${Version}' libphp-phpmailer; }
send() { local to=$1 from=$2; shift 2; php "$PROGRAMS/phpmailer.php" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
