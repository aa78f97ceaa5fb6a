"""Compiled for any x86-64 or 64-bit Arm processor."""

def supported_levels() -> list[str]:
    """Instruction-set levels this processor and operating system can run, best first."""
