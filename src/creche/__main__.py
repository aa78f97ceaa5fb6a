"""``python -m creche``, the same as ``creche``."""

import sys

from creche.cli.main import main

sys.exit(main())
