#!/usr/bin/env bash
# Installs the Debian packages that a goal needs: install-dependencies.sh [build|lint]
# Does nothing, and needs no network, where they are all there. Where it may not install, it prints the one line to run.
set -euo pipefail

build=(
  cmake ninja-build g++ ccache mold pkg-config
  libtorch-dev libgloo-dev libopenblas0-openmp
  libcli11-dev libspdlog-dev libfmt-dev libtomlplusplus-dev nlohmann-json3-dev
  libavcodec-dev libavformat-dev libavfilter-dev libavutil-dev libswresample-dev
  libebur128-dev libfluidsynth-dev fluid-soundfont-gm
  libsqlite3-dev libsodium-dev libcairo2-dev libpugixml-dev zlib1g-dev
  libgtest-dev librapidcheck-dev libbenchmark-dev
  clang-14 libclang-rt-14-dev
)
lint=(clang-format-14 clang-tidy-14)

case "${1:-build}" in
  build) packages=("${build[@]}") ;;
  lint) packages=("${build[@]}" "${lint[@]}") ;;
  *) echo "usage: $0 [build|lint]" >&2; exit 2 ;;
esac

# Another system brings its own packages: CMake then says what it does not find.
if ! command -v dpkg-query >/dev/null; then
  echo "no dpkg here, so nothing is installed; the packages by their Debian names: ${packages[*]}" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done

# libtorch calls whatever libblas.so.3 points to; it must end at OpenBLAS even where another was chosen by hand before.
choose_blas='set -e; for link in libblas.so.3-$(gcc -print-multiarch) liblapack.so.3-$(gcc -print-multiarch); do
  at=$(update-alternatives --list "$link" 2>/dev/null | grep -m 1 openblas-openmp) || continue
  update-alternatives --set "$link" "$at" >/dev/null; done'
blas_is_fast() { readlink -f /etc/alternatives/libblas.so.3-* 2>/dev/null | grep -Eq 'openblas|mkl|blis|atlas'; }

if [ ${#missing[@]} -eq 0 ] && blas_is_fast; then exit 0; fi

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  as_root=(sudo)
else
  if [ ${#missing[@]} -gt 0 ]; then
    echo "Packages are missing and this user may not install them. Run once as root:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
  else
    echo "libblas.so.3 is not a fast BLAS. Run once as root:" >&2
    echo "  update-alternatives --auto libblas.so.3-$(gcc -print-multiarch)" >&2
  fi
  exit 1
fi

if [ ${#missing[@]} -gt 0 ]; then
  echo "Installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi
blas_is_fast || "${as_root[@]}" bash -c "$choose_blas"
