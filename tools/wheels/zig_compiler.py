"""What CMake runs as its C++ compiler: python zig_compiler.py ZIG TARGET SOURCE MODE ARGUMENTS.

The clang inside zig compiles and links for any system and any version of its library. It has names of its own for
processors, checks undefined behaviour unless told not to, and would note the folder that it works in.

ZIG is the program, TARGET the platform, SOURCE the folder that no byte of the result may depend on, and MODE c++ or ar.
"""

from __future__ import annotations

import os
import sys

# zig stops at flags that it does not know: a warning of g++ alone, and what Apple's linker does besides linking.
UNKNOWN = frozenset({"-Wno-psabi", "-Wl,-dead_strip", "-Wl,-x", "-Wl,-S"})


def translate(arguments: list[str], target: str, source: str) -> list[str]:
    """Return the arguments for zig in place of those that CMake gives for clang."""
    # With -O3 and -s in every call, also in those that only ask what the compiler is, zig builds its libraries once.
    found = ["-target", target, "-O3", "-s", "-fno-sanitize=undefined", f"-ffile-prefix-map={source}=."]
    for argument in arguments:
        if argument == "-march=armv8-a":
            continue  # what every processor of the target has
        if argument.startswith("-march="):
            found.append("-mcpu=" + argument.removeprefix("-march=").replace("-", "_"))
        elif argument == "-bundle":
            # A module of Python for macOS: Python itself has the symbols that it lacks.
            found += ["-shared", "-Wl,-undefined,dynamic_lookup"]
        elif argument not in UNKNOWN and not argument.startswith("-Wl,@"):  # a list of those symbols
            found.append(argument)
    return found


def main(zig: str, target: str, source: str, mode: str, *arguments: str) -> None:
    translated = translate(list(arguments), target, source) if mode == "c++" else list(arguments)
    os.execv(zig, [zig, mode, *translated])


if __name__ == "__main__":
    main(*sys.argv[1:])
