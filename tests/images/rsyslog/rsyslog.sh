#!/bin/sh
# The log service, in the foreground, with the host's configuration.
set -eu

SYSLOGD_OPTIONS=
[ ! -r /usr/share/rsyslog/sysconfig ] || . /usr/share/rsyslog/sysconfig
[ ! -r /etc/sysconfig/rsyslog ] || . /etc/sysconfig/rsyslog

# Left by a container that was killed; rsyslogd would believe in the first and
# not bind the second.
rm -f /run/rsyslogd.pid /run/log/syslog.socket

# Unquoted: a list of options.
exec /usr/sbin/rsyslogd -n -f /etc/rsyslog.conf $SYSLOGD_OPTIONS
