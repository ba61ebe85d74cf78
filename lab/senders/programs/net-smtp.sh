# Perl's Net::SMTP: localhost.localdomain until Hello is given.
version() { perl -MNet::SMTP -e 'print $Net::SMTP::VERSION'; }
send() { local to=$1 from=$2; shift 2; perl "$PROGRAMS/net-smtp.pl" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
