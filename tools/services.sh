#!/usr/bin/env bash
# Installs what the tests run against for real (nginx, chromium, node, a static busybox), where this user may.
# The Docker engine is not started here: in CI .ci/run does it, on a desk its owner does.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
command -v chromium >/dev/null || missing+=(chromium)
{ [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1; } || missing+=(busybox-static)
command -v git >/dev/null || missing+=(git)
command -v npm >/dev/null || missing+=(nodejs npm)
if [ ${#missing[@]} -eq 0 ]; then
  :
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "services: installing ${missing[*]}" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "services: not here, and not installed without root: ${missing[*]} (apt-get install ${missing[*]})" >&2
fi
# Express with helmet as a server, and axe-core over the report; pinned in the lock file
if command -v npm >/dev/null && [ ! -d tests/node/node_modules/helmet ]; then
  echo "services: installing tests/node (Express, helmet, axe-core)" >&2
  (cd tests/node && npm ci --silent --no-audit --no-fund --ignore-scripts) ||
    echo "services: npm could not install tests/node" >&2
fi
