#!/bin/sh
# Runs a program of the collector in its container: sysstat.sh sa1 1 1
set -eu

program=${1:?which program, sa1 or sa2}
shift
for engine in docker podman; do
	if command -v "$engine" >/dev/null && "$engine" inspect sadc >/dev/null 2>&1; then
		exec "$engine" exec sadc "/usr/lib64/sa/$program" "$@"
	fi
done
echo "sysstat.sh: no engine has a container sadc" >&2
exit 1
