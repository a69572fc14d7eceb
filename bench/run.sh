#!/usr/bin/env bash
# Measures us beside our peers and writes docs/benchmarks.md. Everything runs on the loopback of
# a network namespace of its own, where that is allowed: nothing leaves the machine.
#
# HELIO: a release build to measure, in place of the one that is built here, and BENCH_COMMIT what
# it is. BENCH_ROUNDS: 3. BENCH_ONLY: names of sections in run.mjs; the others stay as they are.
set -euo pipefail
cd "$(dirname "$0")"
../scripts/install-test-tools.sh janus:janus

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../target}
if [[ -z ${HELIO:-} ]]; then
  cargo build --quiet --release --manifest-path ../Cargo.toml --package cli
  HELIO=$CARGO_TARGET_DIR/release/helio
  BENCH_COMMIT="commit $(git describe --always --dirty 2>/dev/null || echo unknown)"
fi
cargo build --quiet --release --manifest-path load/Cargo.toml
[[ ${BENCH_ONLY:-setup} != *setup* ]] || cargo test --quiet --manifest-path ../Cargo.toml --package sim --test setup --no-run
export BENCH_COMMIT=${BENCH_COMMIT:-commit not said}
export NODE_NO_WARNINGS=1 HELIO LOAD=$CARGO_TARGET_DIR/release
[[ -d node_modules/ws ]] || npm ci --silent
[[ -d ../tests/node_modules ]] || npm ci --silent --prefix ../tests

# A thousand allocations and two thousand sockets are a file each, at both ends.
ulimit -n "$(ulimit -H -n)"
# Browsers want an address of a LAN.
inside='
  ip link set lo up
  ip link add lan type veth peer name far
  ip link set far up
  ip address add 10.77.0.1/24 dev lan
  ip link set lan up
  ip route add default via 10.77.0.254 dev lan
  export HELIO_TEST_LAN=10.77.0.1
  exec "$@"
'
if unshare --net true 2>/dev/null && command -v ip >/dev/null; then
  exec unshare --net bash -euc "$inside" bash node run.mjs
fi
echo "no network namespaces here: the loads run on this machine's own loopback" >&2
exec node run.mjs
