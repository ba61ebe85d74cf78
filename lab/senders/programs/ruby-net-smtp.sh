# Ruby's net/smtp: localhost until start is given a name.
version() { ruby -rnet/smtp -e 'print RUBY_VERSION'; }
send() { local to=$1 from=$2; shift 2; ruby "$PROGRAMS/net-smtp.rb" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
