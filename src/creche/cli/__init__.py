"""The command line: one module per command. No training logic lives here, nor anything another face would need."""

from creche.cli.main import main

__all__ = ["main"]
