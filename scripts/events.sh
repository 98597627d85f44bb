#!/usr/bin/env bash
# Writes down the events of this program for its users; tests/catalogue.rs says when that is due.
source "$(dirname "$0")/lib.sh"

cargo build --quiet --bin herald
herald=${CARGO_TARGET_DIR:-target}/debug/herald
for format in typescript:herald-events.d.ts asyncapi:asyncapi.json; do
	file=docs/${format#*:}
	# First aside: a file that is half written would be compiled into the pages.
	"$herald" events --format "${format%:*}" >"$file.new"
	mv "$file.new" "$file"
	echo "$file" >&2
done
