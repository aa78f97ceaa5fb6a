"""The platforms that wheels are built for, and the interfaces of Python that each gets a wheel for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Platform:
    """A system and a processor.

    `target` is the name that the compiler has for it, with the oldest version of the system's library; `tag` is what
    wheels call it, and `suffix` what Python appends to the names of modules. `machine` is what `platform.machine()`
    says there. `is_tried` is whether some machine of the project runs its wheels.
    """

    name: str
    target: str
    tag: str
    suffix: str
    system: str
    machine: str
    levels: tuple[str, ...]
    is_tried: bool = True


X86_64, ARM = ("x86_64_v3", "x86_64_v4"), ("neon",)

PLATFORMS = {
    platform.name: platform
    for platform in (
        # manylinux_2_17 is manylinux2014: Red Hat Enterprise Linux 7, Debian 8, Ubuntu 13.10 and everything since.
        Platform(
            "linux-x86-64", "x86_64-linux-gnu.2.17", "manylinux_2_17_x86_64", "x86_64-linux-gnu.so",
            "Linux", "x86_64", X86_64,
        ),
        Platform(
            "linux-aarch64", "aarch64-linux-gnu.2.17", "manylinux_2_17_aarch64", "aarch64-linux-gnu.so",
            "Linux", "aarch64", ARM,
        ),
        # macOS 11 is the first for Apple's own processors.
        Platform(
            "macos-arm64", "aarch64-macos.11.0", "macosx_11_0_arm64", "darwin.so",
            "Darwin", "arm64", ARM, is_tried=False,
        ),
        Platform(
            "macos-x86-64", "x86_64-macos.11.0", "macosx_11_0_x86_64", "darwin.so",
            "Darwin", "x86_64", X86_64, is_tried=False,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Interface:
    """An interface of Python: that of one version, or the stable one, which later versions have too.

    `versions` are those of the Pythons that can build for it; the first that is installed does. `tag` is what wheels
    call it; `api` is empty, or what the build calls the stable interface.
    """

    versions: tuple[str, ...]
    tag: str
    api: str = ""


# The stable interface of nanobind begins with 3.12.
INTERFACES = (
    Interface(("3.11",), "cp311-cp311"),
    Interface(("3.12", "3.13", "3.14"), "cp312-abi3", "cp312"),
)
