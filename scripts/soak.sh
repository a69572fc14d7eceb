#!/usr/bin/env bash
# Runs every fuzz target for a million inputs (SOAK_RUNS), at most SOAK_SECONDS each, from the
# corpus that the ordinary tests replay. Prints runs and crashes per target; fails on a crash.
#
# What a run finds stays in fuzz/target/soak/TARGET, which is no part of the repository: a crash becomes
# a test by copying its smallest input into fuzz/corpus/TARGET.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${SOAK_RUNS:-1000000}
seconds=${SOAK_SECONDS:-1800}
# The coverage flags are unstable. On a stable compiler they need this, and no sanitizer: our code
# forbids `unsafe`, so a fault shows as a panic, an overflow or a hang, which need none.
export RUSTC_BOOTSTRAP=1
flags=(--sanitizer none --debug-assertions)

if ! cargo fuzz --version >/dev/null 2>&1; then
  cargo install --quiet --locked cargo-fuzz
fi

mapfile -t targets < <(cargo fuzz list)
((${#targets[@]} > 0)) || { echo "no fuzz targets in fuzz/" >&2; exit 1; }
(($# == 0)) || targets=("$@")

crashes=0
table=$(printf '%-18s %12s %10s %10s %8s' target runs seconds runs/s crashes)
for target in "${targets[@]}"; do
  cargo fuzz build "${flags[@]}" "$target"
  found="fuzz/target/soak/$target"
  mkdir -p "$found" "fuzz/artifacts/$target"
  log="$found.log"
  before=$(find "fuzz/artifacts/$target" -type f | wc -l)
  # libFuzzer writes what is new into the first directory: the corpus stays as it was written.
  status=0
  cargo fuzz run "${flags[@]}" "$target" "$found" "fuzz/corpus/$target" -- \
    -runs="$runs" -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 \
    >"$log" 2>&1 || status=$?
  after=$(find "fuzz/artifacts/$target" -type f | wc -l)
  # Who stops at the first crash or hang has one; a status without a new artifact counts too.
  new=$((after - before))
  ((status == 0 || new > 0)) || new=1
  crashes=$((crashes + new))
  done_runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
  took=$(sed -n 's/^Done [0-9]* runs in \([0-9]*\) second.*/\1/p' "$log" | tail -1)
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log" | tail -1)
  row=$(printf '%-18s %12s %10s %10s %8s' "$target" "${done_runs:-?}" "${took:-?}" "${rate:-?}" "$new")
  echo "$row"
  table+=$'\n'$row
  if ((status != 0)); then
    echo "$target stopped with $status; the end of $log:" >&2
    tail -40 "$log" >&2
  fi
done

echo
echo "$table"
((crashes == 0)) || { echo "$crashes crashes: inputs in fuzz/artifacts" >&2; exit 1; }
