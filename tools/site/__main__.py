"""Build the documentation site: python -m tools.site [--words], which is `make docs`.

``--words`` leaves the code of the pages unexecuted: for a look at a change of words.
"""

from __future__ import annotations

import subprocess
import sys
import time

from tools.site.build import build_site
from tools.site.code_blocks import PageError
from tools.site.structure import ROOT


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    try:
        first = build_site(ROOT / "build" / "docs", executes="--words" not in arguments)
    except PageError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError:
        return 1
    print(f"{first} in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
