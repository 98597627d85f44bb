# shellcheck shell=bash
# What run.sh, test.sh and check.sh share. Sourced, in the repository's root.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
in_ci() { [ "${CI:-}" = true ]; }

# npm's dependencies of one directory, as its lock file says; nothing where that was done already.
# No install scripts: nothing here needs one, and none of them should run.
npm_ci() {
	local stamp=$1/node_modules/.package-lock.json
	[ -f "$stamp" ] && [ ! "$1/package-lock.json" -nt "$stamp" ] && return 0
	have npm || return 1
	npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund >&2 && touch "$stamp"
}

# What was left out, for the box at the end. An empty list is the aim; in CI it is a must.
left_out=()
leave_out() { left_out+=("$1"); printf '\033[33mleft out: %s\033[0m\n' "$1" >&2; }

# Says what was left out, loudly. True if that may pass.
settle() {
	[ ${#left_out[@]} -eq 0 ] && return 0
	{
		echo
		echo '************************************************************************'
		echo '*  LEFT OUT: the following was NOT tested here'
		echo '*'
		printf '*   - %s\n' "${left_out[@]}"
		echo '************************************************************************'
	} >&2
	if in_ci; then
		echo 'With CI=true nothing may be left out.' >&2
		return 1
	fi
}
