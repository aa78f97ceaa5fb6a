"""One training step taken apart into numbers."""
