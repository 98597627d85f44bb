# shellcheck shell=bash
# What the tests need beside Rust. Sourced by test.sh. Installs what is missing where it can (root, or sudo that
# doesn't ask, on a Debian kind of system; npm packages anywhere) and answers with what then is there.

postgres_bin() {
	local dir
	if have initdb && have pg_ctl && have postgres; then
		dirname "$(readlink -f "$(command -v initdb)")"
		return 0
	fi
	for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin | sort -r); do
		[ -x "$dir/initdb" ] && { echo "$dir"; return 0; }
	done
	return 1
}

chromium_bin() {
	local name
	for name in ${CHROMIUM:+"$CHROMIUM"} chromium chromium-browser google-chrome google-chrome-stable \
		'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
		have "$name" && { command -v "$name"; return 0; }
	done
	return 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"
	elif have sudo && sudo -n true 2>/dev/null; then sudo -n "$@"
	else return 1
	fi
}

install_packages() {
	local missing=()
	postgres_bin >/dev/null || missing+=(postgresql)
	have redis-server || missing+=(redis-server)
	chromium_bin >/dev/null || missing+=(chromium)
	have node || missing+=(nodejs)
	have npm || missing+=(npm)
	have cc || missing+=(gcc libc6-dev)
	[ ${#missing[@]} -eq 0 ] && return 0
	have apt-get && as_root true || { echo "can't install: ${missing[*]}" >&2; return 0; }
	say "Installing ${missing[*]}"
	# Debian starts a cluster of its own with the package; the tests bring theirs.
	as_root env DEBIAN_FRONTEND=noninteractive sh -c '
		[ -d /etc/postgresql-common ] || mkdir -p /etc/postgresql-common
		[ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
		apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"' sh "${missing[@]}" >&2 \
		|| echo "apt-get could not install all of: ${missing[*]}" >&2
}
