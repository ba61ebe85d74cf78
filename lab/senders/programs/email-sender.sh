# Email::Sender::Transport::SMTP (Perl): helo, else the machine name Net::Domain finds.
version() { perl -MEmail::Sender -e 'print $Email::Sender::VERSION'; }
send() { local to=$1 from=$2; shift 2; perl "$PROGRAMS/email-sender.pl" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
