"""The command line, one module for each command. It parses and prints; the library computes."""

from creche.cli.main import main

__all__ = ["main"]
