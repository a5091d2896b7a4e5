#!/usr/bin/env bash
# Copies what building with -DEUTERPE_MEDIA=OFF needs beside libtorch, a compiler, CMake and pkg-config, from this Debian
# into a folder that can be carried to a machine that has none of it: carry-dependencies.sh [folder]   (build/carry)
# docs/gpu.md says how to build there.
set -euo pipefail

cd "$(dirname "$0")/.."
to=${1:-build/carry}
arch=$(gcc -print-multiarch)
from=/usr
libraries=$from/lib/$arch

mkdir -p "$to/include" "$to/lib/$arch/cmake" "$to/lib/$arch/pkgconfig"
for headers in fmt spdlog CLI nlohmann toml++ gloo sodium sodium.h; do
  if [ ! -e "$from/include/$headers" ]; then
    echo "$from/include/$headers is not here: run tools/install-dependencies.sh first" >&2
    exit 1
  fi
  cp -r "$from/include/$headers" "$to/include/"
done
for library in fmt spdlog sodium; do
  cp -P "$libraries"/lib$library.so* "$to/lib/$arch/"
done
# The packages' own CMake files find headers and libraries by where they stand themselves.
cp -r "$libraries/cmake/fmt" "$libraries/cmake/spdlog" "$to/lib/$arch/cmake/"
sed 's|^prefix=.*|prefix=${pcfiledir}/../../..|; s|^libdir=.*|libdir=${prefix}/lib/'"$arch"'|; s|^includedir=.*|includedir=${prefix}/include|' \
  "$libraries/pkgconfig/libsodium.pc" > "$to/lib/$arch/pkgconfig/libsodium.pc"
du -sh "$to"
