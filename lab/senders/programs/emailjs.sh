# emailjs (npm): the host name, or what domain= says.
version() { node -p "require(\"$BUILT/node_modules/emailjs/package.json\").version"; }
send() { local to=$1 from=$2; shift 2; node "$PROGRAMS/emailjs.mjs" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
