#!/usr/bin/env bash
# Short equal runs of `train gan` with each loss and each regularizer alone, on both networks, as a table in Markdown:
#   gan_ablation.sh EUTERPE DATA FOLDER [STEPS]      (FOLDER keeps the runs; one that is there is resumed)
# Every row starts from the same seed with the same batches and rates, without moment matching. Samples are looked at
# ten times a run.
#   collapsed   samples differ less than half as much as real ones do: at how many of the ten looks, and the last of them
#   all zero    the same for more than half of the rolls empty
#   distance    of the last samples from each other, relative to real ones (1 = as different)
#   gap         between the last samples and real rolls: mean over what a musician would count, in standard deviations
set -euo pipefail
program=$1 data=$2 folder=$3 steps=${4:-600}
every=$((steps / 10))
mkdir -p "$folder"

# look NAME FILE: "3 (180)", so many rows with the alarm, and the step of the last
look() {
  awk -v alarm="\"$1\":" '/"samples":/ && index($0, alarm) {
    n++; match($0, /"step":[0-9]+/); last = substr($0, RSTART + 7, RLENGTH - 7) }
    END { if (n) printf "%d (%d)", n, last; else printf "0" }' "$2"
}
# number NAME FILE: its last value
number() {
  awk -v name="\"$1\":" '/"samples":/ { at = index($0, name); rest = substr($0, at + length(name)); sub(/[,}].*/, "", rest) }
    END { printf "%.2f", rest }' "$2"
}

echo "| network | loss | regularizer | collapsed | all zero | distance | gap | seconds |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
for network in 1d 2d; do
  for loss in minimax nonsaturating hinge wgan; do
    for regularizer in none spectral gradient minibatch; do
      spectral=0 minibatch=0 penalty=none
      case $regularizer in
        spectral) spectral=1 ;;
        gradient) penalty=gradient ;;
        minibatch) minibatch=1 ;;
      esac
      name=$network-$loss-$regularizer
      run=$folder/$name.run
      begin=$SECONDS
      if [ ! -f "$folder/$name/card.json" ]; then
        if ! "$program" -q train gan --data "$data" --out "$folder/$name" --run "$run" --network "$network" \
          --loss "$loss" --spectral "$spectral" --minibatch "$minibatch" --penalty "$penalty" --steps "$steps" \
          --match 0 --sample-every "$every" --ema 0.99 >"$folder/$name.log" 2>&1; then
          echo "| $network | $loss | $regularizer | stopped: $(tail -1 "$folder/$name.log") | | | | |"
          continue
        fi
      fi
      metrics=$run/metrics.jsonl
      echo "| $network | $loss | $regularizer | $(look 'mode collapse' "$metrics") | $(look 'all zero' "$metrics") |" \
        "$(number distance_ratio "$metrics") | $(number gap "$metrics") | $((SECONDS - begin)) |"
    done
  done
done
