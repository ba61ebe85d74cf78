# Nodemailer: the host name where it has a dot, else [127.0.0.1].
version() { node -p "require(\"$BUILT/node_modules/nodemailer/package.json\").version"; }
send() { local to=$1 from=$2; shift 2; node "$PROGRAMS/nodemailer.js" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
