"""``python -m rookery``, the same as ``rookery``."""

import sys

from rookery.cli.main import main

sys.exit(main())
