"""Run every benchmark, one after another, with the same options (--quick, --save, --check, --rounds N)."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = (
    "penguin_job",
    "wide_jobs",
    "colony",
    "cross_validation",
    "evaluation",
    "fast_fit",
    "products",
    "threads",
    "packs",
    "start",
    "studio",
    "memory",
    "windows",
    "encoding",
    "large_tables",
    "wide_tables",
    "predict",
    "onnx_files",
    "modules",
    "tracking",
    "serving",
    "landscape",
    "real_tables",
    "gpu",
    "gpu_wide",
    "scale",
    "costs",
    "rows_on_disk",
    "shards",
)


def main() -> int:
    worst = 0
    for name in BENCHMARKS:
        command = [sys.executable, str(Path(__file__).with_name(f"{name}.py")), *sys.argv[1:]]
        worst = max(worst, subprocess.run(command).returncode)
        print(flush=True)
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
