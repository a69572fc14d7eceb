#!/usr/bin/env bash
# Every part of the laboratory, then docs/nat-matrix.md from what they measured. The matrices run
# side by side, since most of a link is waiting; the parts that are about times have the machine to
# themselves.
set -uo pipefail
cd "$(dirname "$0")"
rm -rf out
trap 'kill $(jobs -p) 2>/dev/null' EXIT

status=0
matrices=()
sorts=('native and native' 'browser and native' 'browser and browser')
for devices in "${sorts[@]}"; do
  ./run.sh node matrix.mjs "$devices" &
  matrices+=($!)
done
for matrix in "${matrices[@]}"; do wait "$matrix" || status=1; done
for part in setup switches; do
  for devices in "${sorts[@]}"; do ./run.sh node "$part.mjs" "$devices" || status=1; done
done
node write_report.mjs
exit $status
