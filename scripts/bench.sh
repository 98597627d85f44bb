#!/usr/bin/env bash
# Herald beside Socket.IO on Node and beside the physical limit: bench/run.mjs. What it needs, and how to get it.
source "$(dirname "$0")/lib.sh"

have cargo || [ -n "${HERALD:-}" ] || { echo 'Herald is built with Rust: https://rustup.rs' >&2; exit 1; }
if ! have node || [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" != true ]; then
	echo 'The benchmark is driven by Node.js 20 or later, which is also what Herald is compared with: https://nodejs.org' >&2
	exit 1
fi

exec node bench/run.mjs "$@"
