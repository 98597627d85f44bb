#!/usr/bin/env bash
# All that CI runs: what can be said without running it first, then the tests.
source "$(dirname "$0")/lib.sh"

say 'Format'
cargo fmt --all --check
cargo fmt --check --manifest-path bench/load/Cargo.toml

say 'Lints'
cargo clippy --workspace --all-targets -- -D warnings

say 'Documentation'
# Herald is read by those who work on it, private parts too; the mount is a library, of which its users see what is public.
RUSTDOCFLAGS='-Dwarnings -Arustdoc::private_intra_doc_links' cargo doc --package herald --no-deps --document-private-items --quiet
RUSTDOCFLAGS=-Dwarnings cargo doc --package actix-socketioxide --no-deps --quiet

# Tools of their own, not part of Rust: used where they are, and never silently missed.
say 'Dependencies'
if have cargo-machete; then cargo machete; else echo 'unused dependencies: not looked for (cargo install cargo-machete)' >&2; fi
if have cargo-deny; then cargo deny check advisories; else echo 'advisories: not looked for (cargo install cargo-deny)' >&2; fi

exec scripts/test.sh
