# shellcheck shell=bash
# A throw-away PostgreSQL cluster for one test run. Sourced by test.sh.
#
# `postgres_start DIR` makes one below DIR, listening on loopback on a free port, and exports
# HERALD_TEST_POSTGRES, the URL of its superuser, so that tests can create databases of their own.
# `postgres_stop` ends it. PostgreSQL refuses to run as root, so root runs it as `postgres` (or `nobody`).

pg_data=
pg_bin=
pg_user=

# Somewhere that every user may be in, as the one who owns the cluster.
pg_run() (
	cd /
	if [ -z "$pg_user" ]; then "$@"
	elif have runuser; then runuser -u "$pg_user" -- "$@"
	else su -s /bin/sh "$pg_user" -c 'exec "$0" "$@"' -- "$@"
	fi
)

postgres_start() {
	local bin port try
	bin=$(postgres_bin) || return 1
	pg_data=$1/postgres
	mkdir -p "$pg_data"
	if [ "$(id -u)" = 0 ]; then
		pg_user=postgres
		id "$pg_user" >/dev/null 2>&1 || pg_user=nobody
		chown "$pg_user" "$pg_data"
		chmod 755 "$1"
	fi
	# No password: it listens on loopback only, holds test data only, and lives as long as the tests run.
	pg_run "$bin/initdb" -D "$pg_data/data" -U herald --auth=trust -E UTF8 --locale=C >"$1/initdb.log" 2>&1 \
		|| { cat "$1/initdb.log" >&2; return 1; }
	# PostgreSQL can't choose a free port itself: try a few.
	for try in 1 2 3 4 5 6 7 8; do
		port=$((20000 + RANDOM % 12000))
		if pg_run "$bin/pg_ctl" -D "$pg_data/data" -l "$pg_data/log" -w -t 60 -s \
			-o "-h 127.0.0.1 -p $port -k '' -c max_connections=300" start; then
			export HERALD_TEST_POSTGRES="postgres://herald@127.0.0.1:$port/postgres"
			pg_bin=$bin
			return 0
		fi
		echo "PostgreSQL did not start on port $port (try $try)" >&2
	done
	cat "$pg_data/log" >&2
	return 1
}

postgres_stop() {
	[ -n "$pg_bin" ] || return 0
	pg_run "$pg_bin/pg_ctl" -D "$pg_data/data" -m immediate -w -t 30 -s stop || true
	pg_bin=
}
