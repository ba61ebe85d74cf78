# sSMTP: a sendmail look-alike that holds one session with its mailhub.
version() { /usr/sbin/ssmtp -V 2>&1 | awk 'NR==1{print $2}'; }
setup() { unpacked ssmtp; mkdir -p /etc/ssmtp; }
send() { local to=$1 from=$2; shift 2; printf 'mailhub=%s:25\nFromLineOverride=YES\n%s' "$to" "${HELO:+hostname=$HELO
}" > /etc/ssmtp/ssmtp.conf; /usr/sbin/ssmtp -f"$from" "$@" < "$MSG"; }
