# MIME::Lite (Perl) over Net::SMTP.
version() { perl -MMIME::Lite -e 'print $MIME::Lite::VERSION'; }
send() { local to=$1 from=$2; shift 2; perl "$PROGRAMS/mime-lite.pl" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
