# SwiftMailer 6.3: [127.0.0.1] on the command line until setLocalDomain is called.
version() { dpkg-query -W -f '${Version}' php-swiftmailer; }
send() { local to=$1 from=$2; shift 2; php "$PROGRAMS/swift.php" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
