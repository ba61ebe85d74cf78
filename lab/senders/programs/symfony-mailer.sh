# Symfony Mailer 5.4, SmtpTransport: [127.0.0.1] until setLocalDomain is called.
version() { dpkg-query -W -f '${Version}' php-symfony-mailer; }
send() { local to=$1 from=$2; shift 2; php "$PROGRAMS/symfony.php" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
