#!/usr/bin/env bash
# Runs the browser tests in a network namespace with one LAN address and no way out: what passes
# there needs nobody else's servers. Where namespaces are not allowed it runs on this machine's own.
set -euo pipefail
cd "$(dirname "$0")"

inside='
  ip link set lo up
  ip link add lan type veth peer name far
  # A link-local address that becomes valid a second later is a changed network to Chromium.
  ip link set lan addrgenmode none
  ip link set far addrgenmode none
  ip link set far up
  ip address add 10.77.0.1/24 dev lan
  ip address add fd77::1/64 dev lan nodad
  ip link set lan up
  ip route add default via 10.77.0.254 dev lan
  export HELIO_TEST_LAN=10.77.0.1
  exec "$@"
'
if unshare --net true 2>/dev/null && command -v ip >/dev/null; then
  exec unshare --net bash -euc "$inside" bash "$@"
fi
echo "no network namespaces here: the tests run on this machine's own addresses" >&2
exec "$@"
