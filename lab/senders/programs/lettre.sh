# lettre 0.11 (Rust): the machine's name where it has one.
version() { echo 0.11; }
send() { local to=$1 from=$2; shift 2; "$BUILT/lettre-sender" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$@"; }
