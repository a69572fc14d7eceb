#!/usr/bin/env bash
# Runs a command in the laboratory: namespaces of its own for network, mounts, processes and the
# machine's name. Every network that the command makes lives in there, so laboratories run side by
# side, and whatever way this one ends, the kernel takes all of it down. Says so and succeeds where
# that is not allowed.
set -euo pipefail
cd "$(dirname "$0")"

skip() {
  echo "lab: skipped, $1" >&2
  exit 0
}
for program in ip nft nsenter unshare; do
  command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin:/sbin
  command -v "$program" >/dev/null || skip "there is no $program here (scripts/install-test-tools.sh installs it)"
done

enter=(unshare --net --mount --uts --pid --fork --kill-child --mount-proc)
[[ $(id -u) == 0 ]] || enter+=(--user --map-root-user)
"${enter[@]}" nft list tables >/dev/null 2>&1 || skip "namespaces with nftables need root, or user namespaces, and neither is allowed here"

inside='
  mount -t tmpfs tmpfs /run
  mkdir /run/tmp
  export TMPDIR=/run/tmp
  cp hosts /run/hosts
  mount --bind /run/hosts /etc/hosts
  # Where it is a link, it may lead into the /run that was covered.
  echo nameserver 127.0.0.1 >/run/resolv.conf
  [[ -e /etc/resolv.conf ]] && mount --bind /run/resolv.conf /etc/resolv.conf
  # The server makes its certificate for the name of its machine.
  echo helio.test >/proc/sys/kernel/hostname
  ip link set lo up
  status=0
  "$@" || status=$?
  exit $status
'
# The shell stays: the first process of a namespace buries the dead.
exec "${enter[@]}" bash -euc "$inside" bash "$@"
