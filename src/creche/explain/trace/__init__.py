"""The trace: one training step taken apart into every number."""
