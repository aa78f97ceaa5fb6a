#!/usr/bin/env bash
# Checks that the engine computes the same bytes on every instruction-set level of this machine and on 64-bit Arm.
# Needs g++, g++-aarch64-linux-gnu and qemu-aarch64 (Debian: g++-aarch64-linux-gnu, qemu-user).
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/cross
mkdir -p "$out"
flags=(-std=c++20 -O2 -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Werror -Wno-psabi -pthread -static -Icore)
sources=(core/*.cpp core/*/*.cpp tests/cross/digests.cpp)

build() { # compiler, level, flags
  "$1" "${flags[@]}" "${@:3}" -DCRECHE_LEVEL="$2" "${sources[@]}" -o "$out/$2"
}
build g++ x86_64_v3 -march=x86-64-v3 &
build aarch64-linux-gnu-g++ neon -march=armv8-a &
wait -n; wait -n
"$out/x86_64_v3" >"$out/x86_64_v3.txt"
qemu-aarch64 "$out/neon" >"$out/neon.txt"
levels="x86_64_v3 neon"
if grep -q avx512vl /proc/cpuinfo; then
  build g++ x86_64_v4 -march=x86-64-v4 -mprefer-vector-width=512
  "$out/x86_64_v4" >"$out/x86_64_v4.txt"
  cmp "$out/x86_64_v3.txt" "$out/x86_64_v4.txt"
  levels="$levels x86_64_v4"
fi
cmp "$out/x86_64_v3.txt" "$out/neon.txt"
echo "$(wc -l <"$out/neon.txt") plans, float32 and float64, trained on: $levels. The same bytes."
