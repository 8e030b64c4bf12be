#!/bin/sh
# Collects: a mark that the collector has started, then a sample every
# SA_INTERVAL seconds (of /etc/sysconfig/sysstat; ten minutes).
set -eu

SA_INTERVAL=600
[ ! -r /etc/sysconfig/sysstat ] || . /etc/sysconfig/sysstat

# Debian's sar looks for its files, and for the names of devices, elsewhere.
mkdir -p /var/log/sa
if [ ! -L /var/log/sysstat ]; then
	rm -rf /var/log/sysstat
	ln -s sa /var/log/sysstat
fi
[ ! -e /etc/sysconfig/sysstat.ioconf ] || ln -sf /etc/sysconfig/sysstat.ioconf /etc/sysstat/sysstat.ioconf

trap 'exit 0' TERM INT

/usr/lib64/sa/sa1 --boot
while :; do
	/usr/lib64/sa/sa1 1 1
	sleep "$SA_INTERVAL" &
	wait $!
done
