#!/usr/bin/env bash
# Every test: Rust's on SQLite, the integration suite again on PostgreSQL, and the real clients on both.
# What a machine can't run is left out and said loudly at the end; with CI=true nothing may be left out.
source "$(dirname "$0")/lib.sh"
source scripts/install.sh
source scripts/postgres.sh

have cargo || { echo 'Herald is built with Rust: https://rustup.rs' >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/herald-test.XXXXXX")
trap 'postgres_stop; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

install_packages

js=true
if ! have node || [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" != true ]; then
	js=false
	leave_out 'all tests with real clients (tests/js, crates/actix-socketioxide/tests/js): they need Node.js 20 or later, with npm'
else
	for dir in static tests/js crates/actix-socketioxide/tests/js; do
		[ -f "$dir/package-lock.json" ] || continue
		npm_ci "$dir" || { js=false; leave_out "all tests with real clients: npm could not install the packages of $dir"; break; }
	done
fi

postgres=true
if ! postgres_bin >/dev/null; then
	postgres=false
	leave_out 'everything on PostgreSQL: initdb was not found (Debian: apt-get install postgresql)'
else
	say 'PostgreSQL, a throw-away cluster'
	postgres_start "$work"
	echo "$HERALD_TEST_POSTGRES" >&2
fi

if CHROMIUM=$(chromium_bin); then export CHROMIUM; else
	export CHROMIUM=
	leave_out 'the browser tests (tests/js/browser*.test.mjs): no Chromium (Debian: apt-get install chromium)'
fi
say 'Rust tests, SQLite'
if $js; then
	HERALD_TEST_DATABASE=sqlite cargo test --workspace
else
	# The mount's own tests with real clients, tests/it/clients.rs.
	HERALD_TEST_DATABASE=sqlite cargo test --workspace -- --skip clients::
fi

if $postgres; then
	say 'Integration tests, PostgreSQL'
	HERALD_TEST_DATABASE=postgres cargo test --test it
fi

if $js; then
	# The stand-in for a slow third party as well.
	cargo build --bin herald --example processor
	files=()
	for file in tests/js/*.test.mjs; do
		[ -z "$CHROMIUM" ] && [[ ${file##*/} == browser*.test.mjs ]] && continue
		files+=("$PWD/$file")
	done
	for database in sqlite postgres; do
		[ "$database" = postgres ] && ! $postgres && continue
		say "Real clients, $database"
		(cd tests/js && HERALD_TEST_DATABASE=$database node --test --test-reporter=spec "${files[@]}")
	done
fi

settle
if [ ${#left_out[@]} -eq 0 ]; then say 'All tests passed'; else say 'All tests that could be run here passed'; fi
