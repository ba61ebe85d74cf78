# Runs as the first process of a host, inside its new namespaces: own /etc, /var, /home ... over the machine's,
# own /run, /tmp and /dev; then becomes an init that reaps. $1 scratch folder, $2 host name, $3 zone, $4 the lab's program.
set -e
mount --make-rprivate /
S=$1
mount -t tmpfs -o mode=755 tmpfs "$S"
for d in etc var home root opt srv usr/local; do
    mkdir -p "$S/u/$d" "$S/w/$d"
    chmod --reference="/$d" "$S/u/$d"
    mount -t overlay overlay -o "lowerdir=/$d,upperdir=$S/u/$d,workdir=$S/w/$d" "/$d"
done
touch /usr/local/lib/lab-client
mount --bind "$4" /usr/local/lib/lab-client
mkdir -p "$S/dev"
mount -t tmpfs -o mode=755 tmpfs "$S/dev"
for n in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
    set -- "$1" "$2" "$3" "$4" $n
    mknod -m 666 "$S/dev/$5" c "$6" "$7"
done
mknod -m 600 "$S/dev/kmsg" c 1 11
mkdir "$S/dev/net"
mknod -m 666 "$S/dev/net/tun" c 10 200
mkdir "$S/dev/pts" "$S/dev/shm"
chmod 1777 "$S/dev/shm"
mount -t devpts devpts "$S/dev/pts" -o newinstance,ptmxmode=0666
ln -s pts/ptmx "$S/dev/ptmx"
ln -s /proc/self/fd "$S/dev/fd"
ln -s fd/0 "$S/dev/stdin"
ln -s fd/1 "$S/dev/stdout"
ln -s fd/2 "$S/dev/stderr"
mount --move "$S/dev" /dev
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
# The machine's own logs, queues and mail are not this host's.
rm -rf /var/log/* /var/mail/* /var/tmp/* /var/cache/postfix* /var/www/html 2>/dev/null || true
rm -rf /etc/inittab /etc/resolv.conf /etc/cron.d/* /etc/cron.daily/* /etc/cron.hourly/* /etc/cron.weekly/* /etc/cron.monthly/*
echo "::sysinit:/bin/true" > /etc/inittab
rm -f /etc/localtime
ln -s "/usr/share/zoneinfo/$3" /etc/localtime
echo "$3" > /etc/timezone
echo "$2" > /etc/hostname
printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n' "$2" > /etc/hosts
hostname "$2"
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link set lo up
touch /run/host-is-up
exec -a /sbin/init busybox init </dev/null >/dev/null 2>&1
