# esmtp 1.2 on libESMTP: says the machine's own name.
version() { dpkg-query -W -f '${Version}' esmtp; }
send() { local to=$1 from=$2; shift 2; printf 'hostname=%s:25\n' "$to" > /etc/esmtprc; esmtp -C /etc/esmtprc -f "$from" "$@" < "$MSG"; }
