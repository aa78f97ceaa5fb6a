#!/usr/bin/env bash
# Runs the engine's tests under the address and undefined-behaviour sanitizers, in a separate build.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
build=build/sanitize
tools/build_sanitized.sh
# A package of the sources and the sanitized modules, which Python finds before the installed one.
package=$build/package
rm -rf "$package"
mkdir -p "$package"
cp -a src/creche "$package/creche"
find "$package" -name '*.so' -delete
cp "$build"/*.so "$package/creche/_core/"
# An editable installation adds an import finder that precedes PYTHONPATH. Python imports this file later and removes it.
cat >"$package/sitecustomize.py" <<'END'
import sys

sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("_editable_")]
END
runtimes=$(g++ -print-file-name=libasan.so):$(g++ -print-file-name=libubsan.so):$(g++ -print-file-name=libstdc++.so)
# Python does not free everything at exit, and its exceptions cross the boundary of an instrumented module.
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 LD_PRELOAD=$runtimes
export PYTHONPATH=$PWD/$package CRECHE_SANITIZED=1  # some tests make their networks smaller
"$python" -c "import creche._core as c; f = c.load().__file__; assert '/$package/' in f, f"
# test_memory.py counts calls of operator new, which the sanitizer replaces.
"$python" -m pytest tests/native/test_gemm.py tests/native/test_bfloat16.py tests/engine --ignore tests/engine/test_memory.py --numprocesses 2 \
  --quiet -o addopts= -p no:cacheprovider "$@"
