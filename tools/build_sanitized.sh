#!/usr/bin/env bash
# Builds the engine with the address and undefined-behaviour sanitizers, in build/sanitize. tools/sanitize.sh tests it.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/sanitize
# One level is enough: all levels have the same sources, and these builds take long.
case $(uname -m) in x86_64) level=x86_64_v3 ;; *) level=neon ;; esac
.venv/bin/cmake -G Ninja -S . -B "$build" -DCMAKE_MAKE_PROGRAM="$PWD/.venv/bin/ninja" \
  -DPython_EXECUTABLE="$PWD/.venv/bin/python" -DCRECHE_STUDIO=OFF -DCRECHE_TESTING=ENGINE \
  -DCRECHE_SANITIZE=address,undefined -DCRECHE_UNITY=ON -DCRECHE_LEVELS="$level" >/dev/null
# Without the job server of make, which Ninja cannot join here.
env --unset=MAKEFLAGS .venv/bin/cmake --build "$build"
