#!/usr/bin/env bash
# The engine's tests with the address and undefined-behaviour sanitizers watching. The build is apart from the others.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
build=build/sanitize
.venv/bin/cmake -G Ninja -S . -B "$build" -DCMAKE_MAKE_PROGRAM="$PWD/.venv/bin/ninja" -DPython_EXECUTABLE="$python" \
  -DROOKERY_TESTING=ON -DROOKERY_SANITIZE=address,undefined >/dev/null
.venv/bin/cmake --build "$build"
# A package of the sources and the sanitized modules, found before the installed one.
package=$build/package
rm -rf "$package"
mkdir -p "$package"
cp -r src/rookery "$package/rookery"
find "$package" -name '*.so' -delete
cp "$build"/*.so "$package/rookery/_core/"
runtimes=$(g++ -print-file-name=libasan.so):$(g++ -print-file-name=libubsan.so):$(g++ -print-file-name=libstdc++.so)
# Python itself leaks by design, and its exceptions cross the boundary of an instrumented module.
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 LD_PRELOAD=$runtimes
export PYTHONPATH=$PWD/$package HYPOTHESIS_PROFILE=quick
"$python" -m pytest tests/native tests/engine --quiet -p no:cacheprovider -p no:doctest -o testpaths= "$@"
