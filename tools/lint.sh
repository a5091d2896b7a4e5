#!/usr/bin/env bash
# clang-format and clang-tidy over the sources that git knows: lint.sh BUILD JOBS
set -euo pipefail
build=$1 jobs=$2
cd "$(dirname "$0")/.."
git ls-files '*.cpp' '*.hpp' | xargs clang-format-14 --dry-run --Werror
echo "clang-format: clean"
# The precompiled header is GCC's; clang-tidy parses the sources without it.
mkdir -p "$build/lint"
sed -e 's/-fpch-preprocess//g; s/-Winvalid-pch//g; s/-include [^ ]*cmake_pch.hxx//g' \
  "$build/compile_commands.json" >"$build/lint/compile_commands.json"
git ls-files 'src/*.cpp' | xargs -P "$jobs" -n 4 clang-tidy-14 -p "$build/lint" --quiet --warnings-as-errors='*'
echo "clang-tidy: clean"
