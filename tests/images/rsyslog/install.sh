#!/bin/sh
# Puts on the host what the log service needs there. What is there stays as it
# is, so it can be run again.
set -eu

host=${HOST:-/host}
files=/usr/share/rsyslog

say() { echo "rsyslog: $*"; }

# A link of the host leads nowhere from here.
there() { [ -e "$host$1" ] || [ -L "$host$1" ]; }

# put FILE TARGET: a copy, unless there is one.
put() {
	if there "$2"; then
		say "$2 is there, left as it is"
	else
		cp "$1" "$host$2"
		chmod 0644 "$host$2"
		say "installed $2"
	fi
}

mkdir -p "$host/etc/pki/rsyslog" "$host/etc/rsyslog.d" "$host/etc/sysconfig" \
	"$host/var/lib/rsyslog" "$host/var/log" "$host/run/log"
chmod 0700 "$host/etc/pki/rsyslog"

# With systemd the messages are in the journal; without, programs write them
# to /dev/log, which must lead to a socket in a folder that the service has.
if [ -d "$host/run/systemd/journal" ]; then
	put "$files/journal.conf" /etc/rsyslog.conf
else
	put "$files/socket.conf" /etc/rsyslog.conf
	if ! there /dev/log; then
		ln -sfn /run/log/syslog.socket "$host/dev/log"
		say "/dev/log leads to /run/log/syslog.socket"
	fi
fi
put "$files/sysconfig" /etc/sysconfig/rsyslog

# An engine would make a folder of a file to mount that is not there.
there /etc/machine-id || : >"$host/etc/machine-id"
if ! there /etc/localtime && [ -e "$host/usr/share/zoneinfo/UTC" ]; then
	ln -s /usr/share/zoneinfo/UTC "$host/etc/localtime"
fi
