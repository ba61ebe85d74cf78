# @upyo/smtp (npm): its localName option, else localhost.
version() { node -p "JSON.parse(require(\"fs\").readFileSync(\"$BUILT/node_modules/@upyo/smtp/package.json\")).version"; }
send() { local to=$1 from=$2; shift 2; node "$PROGRAMS/upyo.mjs" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
