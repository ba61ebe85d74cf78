# Go's net/smtp: SendMail says `localhost`; a client that was told its name says it.
version() { "$BUILT/go-sender" -version; }
send() { local to=$1 from=$2; shift 2; "$BUILT/go-sender" -server "$to" -helo "$HELO" -from "$from" -tls="$(tls "$to")" "$@" < "$MSG"; }
