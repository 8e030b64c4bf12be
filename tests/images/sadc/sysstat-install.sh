#!/bin/sh
# Puts on the host what the collector needs there. What is there stays as it
# is, so it can be run again.
set -eu

host=${HOST:-/host}
files=/usr/share/sadc

# put FILE TARGET MODE: a copy, unless there is one.
put() {
	if [ -e "$host$2" ] || [ -L "$host$2" ]; then
		echo "sadc: $2 is there, left as it is"
	else
		mkdir -p "$host${2%/*}"
		cp "$1" "$host$2"
		chmod "$3" "$host$2"
		echo "sadc: installed $2"
	fi
}

put $files/cron /etc/cron.d/sysstat 0644
put $files/sysconfig /etc/sysconfig/sysstat 0644
put /etc/sysstat/sysstat.ioconf /etc/sysconfig/sysstat.ioconf 0644
put $files/sysstat.sh /usr/local/bin/sysstat.sh 0755
mkdir -p "$host/var/log/sa"
