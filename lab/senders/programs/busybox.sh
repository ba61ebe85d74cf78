# BusyBox sendmail, as small routers and containers have it.
version() { busybox | awk 'NR==1{print $2}'; }
setup() { busybox --list | grep -qx sendmail || { echo 'this BusyBox is built without sendmail' >&2; return 1; }; }
send() { local to=$1 from=$2; shift 2; busybox sendmail -S "$to" -f "$from" "$@" < "$MSG"; }
