#!/bin/sh
# Finds PostgreSQL's server and PgBouncer for the tests, or installs Debian's when
# that needs no question: as root, with apt-get. Without PgBouncer its tests are
# skipped. Any number may run at once.
set -eu

found() {
	# Debian keeps the server's programs off the PATH.
	for program in "$(command -v pg_ctl || true)" /usr/lib/postgresql/*/bin/pg_ctl; do
		if [ -x "$program" ]; then return 0; fi
	done
	return 1
}

bouncer() { command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ]; }

if found && bouncer; then exit 0; fi

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || ! command -v flock >/dev/null; then
	if found; then
		echo "the tests of poolers are skipped: install the package pgbouncer" >&2
		exit 0
	fi
	echo "the tests need PostgreSQL's server (pg_ctl): install the package postgresql, or put its bin directory on the PATH" >&2
	exit 1
fi

# apt-get waits for another one's packages, but not for its lists.
exec 9>"${TMPDIR:-/tmp}/backstage-setup-postgres.lock"
flock 9
if found && bouncer; then exit 0; fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update 9>&-
apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=600 install postgresql pgbouncer 9>&-
found || {
	echo "apt-get installed postgresql, but there is no /usr/lib/postgresql/*/bin/pg_ctl" >&2
	exit 1
}
