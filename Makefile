# make run    build and serve, with demo accounts, on http://127.0.0.1:3000
# make test   every test: Rust and real clients, on SQLite and on PostgreSQL
# make check  all that CI runs: format, lints, docs, dependencies, tests

.PHONY: run test check

run:
	@scripts/run.sh

test:
	@scripts/test.sh

check:
	@scripts/check.sh
