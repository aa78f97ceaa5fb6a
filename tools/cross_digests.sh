#!/usr/bin/env bash
# Checks that the engine computes the same bytes on every instruction-set level of this machine and on 64-bit Arm.
# Needs the build of `make test`, g++-aarch64-linux-gnu and qemu-aarch64 (Debian: g++-aarch64-linux-gnu, qemu-user).
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/cross
mkdir -p "$out"

# This machine's levels: the objects that the package is linked from.
levels=(x86_64_v3)
if grep -q avx512vl /proc/cpuinfo; then levels+=(x86_64_v4); fi
# Without the job server of make, which Ninja cannot join here.
env --unset=MAKEFLAGS .venv/bin/cmake --build build/dev --target "${levels[@]/#/digests_}"
for level in "${levels[@]}"; do "build/dev/digests_$level" >"$out/$level.txt"; done

# A processor without AVX-512 cannot run the other level, but its compiler can read the code that only that level has.
if [ "${#levels[@]}" = 1 ] && [ "$(uname -m)" = x86_64 ]; then
  printf '%s\0' core/layers/layer.cpp core/layers/lane_layer.cpp core/optimizers/update.cpp core/initializers.cpp |
    xargs -0 -P "$(nproc)" -n 1 g++ -std=c++20 -fsyntax-only -march=x86-64-v4 -mprefer-vector-width=512 \
      -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Werror -Wno-psabi -Icore -DCRECHE_LEVEL=x86_64_v4
fi

# Five files include the sources, by turns: what all of them include is then parsed five times and not thirty. Files that
# instantiate one class lie near each other, so that no two of them come together. What is in an unnamed namespace is used
# beyond an included file, which a warning would be about.
flags=(-std=c++20 -O2 -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Werror -Wno-psabi
  -Wno-subobject-linkage -pthread -I. -Icore -march=armv8-a -DCRECHE_LEVEL=neon)
rm -f "$out"/*.cpp "$out"/*.o
sources=(core/*.cpp core/*/*.cpp)
for i in "${!sources[@]}"; do
  printf '#include "%s"\n#undef INSTANTIATE\n' "${sources[i]}" >>"$out/sources_$((i % 5)).cpp"
done
cp tests/cross/digests.cpp "$out"
printf '%s\0' "$out"/*.cpp | xargs -0 -P "$(nproc)" -I '{}' aarch64-linux-gnu-g++ "${flags[@]}" -c '{}' -o '{}.o'
aarch64-linux-gnu-g++ -static -pthread "$out"/*.o -o "$out/neon"
qemu-aarch64 "$out/neon" >"$out/neon.txt"

for level in "${levels[@]}"; do cmp "$out/$level.txt" "$out/neon.txt"; done
echo "$(wc -l <"$out/neon.txt") plans, float32 and float64, trained on: ${levels[*]} neon. The same bytes."
