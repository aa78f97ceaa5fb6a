"""Draw the images with which tests compare plots, into tests/unit/plots/baseline/. Look at those that have changed.

python tools/baseline_images.py            all of them
python tools/baseline_images.py roc_curves one of them
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import matplotlib

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
matplotlib.use("Agg")

from tests.unit.plots.pictures import BASELINE, PICTURES, STYLES, drawn

COLOURS = 64  # per image: lines and letters need no more, and the file has a third of the size


def main(names: list[str]) -> None:
    from PIL import Image

    BASELINE.mkdir(exist_ok=True)
    (BASELINE / "MATPLOTLIB").write_text(matplotlib.__version__ + "\n")
    for name in names or PICTURES:
        for style in STYLES:
            image = Image.open(io.BytesIO(drawn(name, style))).convert("RGB")
            path = BASELINE / f"{name}_{style}.png"
            image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
            print(f"{path.stat().st_size:6,} bytes  {path.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
