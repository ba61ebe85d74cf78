# The mail gem (Ruby): localhost.localdomain until domain is set.
version() { dpkg-query -W -f '${Version}' ruby-mail; }
send() { local to=$1 from=$2; shift 2; ruby "$PROGRAMS/mail.rb" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
