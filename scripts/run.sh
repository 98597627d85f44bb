#!/usr/bin/env bash
# Builds Herald and serves it with demo accounts. Needs Rust alone; with npm the demo client page works as well.
source "$(dirname "$0")/lib.sh"

have cargo || { echo 'Herald is built with Rust: https://rustup.rs' >&2; exit 1; }

if ! npm_ci static; then
	say 'The Socket.IO client was not installed (npm is missing or failed)'
	echo 'Everything works but the demo page /client/. Later: npm ci --prefix static' >&2
fi

# A dev build: it takes a fraction of the time of an optimised one, and the demo needs no speed. What is
# slow without optimisation (password hashing, SQLite) is optimised in it too: see Cargo.toml.
# Built first, so that the address is the last thing one reads.
cargo build --bin herald

address=${HERALD_ADDR:-127.0.0.1:3000}
say "Herald, as a demo. Open http://$address/ (admin page) or http://$address/client/ (Socket.IO client)"
echo 'Log in as admin@example.com, ann@example.com or bob@example.com; the password is herald-demo' >&2
exec cargo run --quiet --bin herald -- --demo "$@"
