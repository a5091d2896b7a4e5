#!/usr/bin/env bash
# Runs every fuzzer of a build folder for so many seconds, side by side: fuzz.sh BUILD SECONDS
# A crash fails the run and its input's path is printed.
set -uo pipefail
build=$1 seconds=$2
here=$(cd "$(dirname "$0")/.." && pwd)

declare -A running
for program in "$build"/fuzz_*; do
  [ -x "$program" ] && [ -f "$program" ] || continue
  name=${program##*/fuzz_}
  mkdir -p "$build/corpus/$name" "$build/crashes"
  longest=65536  # bytes, or as long as the longest seed
  for seed in "$here/fuzz/corpus/$name"/*; do
    size=$(stat -c %s "$seed")
    [ "$size" -gt "$longest" ] && longest=$size
  done
  # New inputs go to the build folder, the seeds in fuzz/corpus are read only.
  "$program" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 -max_len="$longest" -print_final_stats=1 \
    -artifact_prefix="$build/crashes/$name-" "$build/corpus/$name" "$here/fuzz/corpus/$name" \
    >"$build/fuzz_$name.log" 2>&1 &
  running[$name]=$!
done
if [ ${#running[@]} -eq 0 ]; then
  echo "no fuzzer in $build" >&2
  exit 1
fi

failed=0
for name in "${!running[@]}"; do
  log="$build/fuzz_$name.log"
  if wait "${running[$name]}"; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "fuzz $name: ${runs:-?} inputs in $seconds s, no finding"
  else
    failed=1
    echo "fuzz $name: FAILED; the log is $log, the input:" >&2
    grep -o 'Test unit written to .*' "$log" >&2 || tail -n 20 "$log" >&2
  fi
done
exit $failed
