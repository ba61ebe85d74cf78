# LuaSocket smtp: SERVER_DOMAIN or localhost.
version() { dpkg-query -W -f '${Version}' lua-socket; }
send() { local to=$1 from=$2; shift 2; lua5.3 "$PROGRAMS/socket.lua" "$to" "$HELO" "$from" "$SUBJECT" "$BODY" "$(tls "$to")" "$@"; }
