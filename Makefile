# make run    build and serve, with demo accounts, on http://127.0.0.1:3000
# make test   every test: Rust and real clients, on SQLite and on PostgreSQL
# make check  all that CI runs: format, lints, docs, dependencies, tests
# make bench  Herald, Socket.IO on Node and the physical limit side by side; QUICK=1 takes a minute
# make events renew docs/herald-events.d.ts and docs/asyncapi.json, when events have changed

.PHONY: run test check events bench bench-record

run:
	@scripts/run.sh

test:
	@scripts/test.sh

events:
	@scripts/events.sh

check:
	@scripts/check.sh

bench:
	@scripts/bench.sh $(if $(QUICK),--quick) $(BENCH)

# The same, and the figures go into docs/performance.md.
bench-record:
	@scripts/bench.sh $(if $(QUICK),--quick) --record $(BENCH)
