#!/usr/bin/env bash
# Writes docs/listening anew: three pieces a style with the seeds 1 to 3, as they come. listening.sh [PROGRAM]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$here/build/release/euterpe}
out=$here/docs/listening
mkdir -p "$out"
rm -f "$out"/*.mid "$out"/*.png
for style in chorale folk pop classical drums; do
  for seed in 1 2 3; do
    "$program" compose --style "$style" --bars 16 --seed "$seed" \
      -o "$out/$style-$seed.mid" -o "$out/$style-$seed.png"
  done
done
for style in chorale folk pop; do
  for seed in 1 2 3; do
    for model in vae gan; do
      "$program" compose --model "$model" --style "$style" --bars 16 --seed "$seed" \
        -o "$out/$model-$style-$seed.mid" -o "$out/$model-$style-$seed.png"
    done
  done
done
for pair in chorale-1:folk chorale-1:pop folk-1:chorale folk-1:pop pop-2:chorale pop-2:folk; do
  "$program" compose --transfer "$out/${pair%:*}.mid" --style "${pair#*:}" --seed 1 \
    -o "$out/transfer-${pair%:*}-to-${pair#*:}.mid" -o "$out/transfer-${pair%:*}-to-${pair#*:}.png"
done
for emotion in happy tense sad calm; do
  "$program" compose --model composer-emotion --emotion "$emotion" --bars 8 --seed 1 \
    -o "$out/emotion-$emotion-1.mid" -o "$out/emotion-$emotion-1.png"
done
