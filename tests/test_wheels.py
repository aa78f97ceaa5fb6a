"""The tools that build wheels: what they hand to the compiler, what they keep, and what they refuse."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tools.wheels.__main__ import choose_platforms, compare, platform_of
from tools.wheels.audit import AuditError, check_files, check_interface, check_system
from tools.wheels.build import Workshop, environment, unpack, write_commands
from tools.wheels.environments import BuildError, MissingPythonError, find_one, find_python
from tools.wheels.fresh import Place, TrialError, variables
from tools.wheels.interface_cost import compare as compare_interfaces
from tools.wheels.interface_cost import interfaces_of_one_python, platform_here
from tools.wheels.platforms import INTERFACES, PLATFORMS
from tools.wheels.source import copy_tracked
from tools.wheels.trial import pythons_for, try_wheel
from tools.wheels.zig_compiler import translate

LINUX = PLATFORMS["linux-x86-64"]


def test_the_compiler_gets_its_own_names_of_processors() -> None:
    given = ["-march=x86-64-v4", "-mprefer-vector-width=512", "-Wno-psabi", "-O3", "-ffp-contract=off", "-c", "a.cpp"]
    found = translate(given, "x86_64-linux-gnu.2.17", "/somewhere")
    assert found[:2] == ["-target", "x86_64-linux-gnu.2.17"]
    assert "-ffile-prefix-map=/somewhere=." in found
    assert found[-6:] == ["-mcpu=x86_64_v4", "-mprefer-vector-width=512", "-O3", "-ffp-contract=off", "-c", "a.cpp"]
    assert "armv8-a" not in " ".join(translate(["-march=armv8-a"], "aarch64-linux-gnu.2.17", "/somewhere"))
    linked = translate(["-bundle", "-Wl,-dead_strip", "-Wl,@python.sym", "a.o"], "aarch64-macos.11.0", "/somewhere")
    assert linked[-3:] == ["-shared", "-Wl,-undefined,dynamic_lookup", "a.o"]


def test_the_commands_for_cmake_run_the_compiler_for_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "ziglang"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "zig").write_text('#!/bin/sh\necho "$@"\n')
    (package / "zig").chmod(0o755)
    monkeypatch.syspath_prepend(package.parent)
    write_commands(tmp_path / "commands", LINUX, tmp_path / "source")
    said = subprocess.check_output([tmp_path / "commands" / "c++", "-march=x86-64-v3", "a b.cpp"], text=True)
    assert said.startswith("c++ -target x86_64-linux-gnu.2.17 ")
    assert said.endswith(f"-ffile-prefix-map={tmp_path / 'source'}=. -mcpu=x86_64_v3 a b.cpp\n")
    assert subprocess.check_output([tmp_path / "commands" / "ar", "qc", "x.a"], text=True) == "ar qc x.a\n"


def write_archive(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"creche-1.2.3/{name}")
            info.size = len(text)
            info.mode = 0o755 if name.endswith(".sh") else 0o644
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def test_unpacking_again_touches_only_what_has_changed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    unpack(write_archive(tmp_path / "a.tar.gz", {"engine/a.cpp": "a", "engine/b.cpp": "b", "c.sh": "c"}), source)
    for path in source.rglob("*.cpp"):
        os.utime(path, (1000, 1000))
    unpack(write_archive(tmp_path / "b.tar.gz", {"engine/a.cpp": "a", "engine/d.cpp": "d", "c.sh": "new"}), source)
    assert {path.name: path.read_text() for path in source.rglob("*.*")} == {"a.cpp": "a", "d.cpp": "d", "c.sh": "new"}
    assert (source / "engine/a.cpp").stat().st_mtime == 1000
    assert os.access(source / "c.sh", os.X_OK)


def test_a_source_distribution_is_made_of_what_git_knows(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("engine/a.cpp", "stray.txt", "gone.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("as committed")
    for words in (["init", "--quiet"], ["add", "engine/a.cpp", "gone.txt"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    (root / "engine/a.cpp").write_text("as it is now")
    (root / "gone.txt").unlink()
    with pytest.raises(BuildError, match="page of the studio is not built; run make web"):
        copy_tracked(root, tmp_path / "copy")
    (root / "src/creche/studio/page").mkdir(parents=True)
    (root / "src/creche/studio/page/index.html").write_text("<html>")
    copy_tracked(root, tmp_path / "copy")
    found = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*.*")}
    assert found == {"engine/a.cpp", "src/creche/studio/page/index.html"}
    assert (tmp_path / "copy/engine/a.cpp").read_text() == "as it is now"


def test_a_build_is_steered_by_platform_and_interface(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, tmp_path / "environments", "1700000000", jobs=2)
    suffixes = [environment(LINUX, interface, workshop)["SETUPTOOLS_EXT_SUFFIX"] for interface in INTERFACES]
    assert suffixes == [".cpython-311-x86_64-linux-gnu.so", ""]
    found = environment(PLATFORMS["linux-aarch64"], INTERFACES[1], workshop)
    assert found["SOURCE_DATE_EPOCH"] == "1700000000"


def write_wheel(folder: Path, name: str, *files: str, text: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    needed = ("creche/py.typed", "creche/data/penguins.csv", "creche/studio/page/index.html")
    with zipfile.ZipFile(folder / name, "w") as wheel:
        for file in (*needed, *files):
            wheel.writestr(file, text)
    return folder / name


NAME = "creche-1.2.3-cp311-cp311-manylinux_2_17_x86_64.whl"
MODULES = tuple(f"creche/_core/_{level}.so" for level in ("detect", *LINUX.levels))


def test_a_wheel_needs_every_module_and_no_name_of_a_folder(tmp_path: Path) -> None:
    check_files(write_wheel(tmp_path, NAME, *MODULES), LINUX)
    with pytest.raises(AuditError, match="lacks x86_64_v4"):
        check_files(write_wheel(tmp_path, NAME, *MODULES[:-1]), LINUX)
    with pytest.raises(AuditError, match="has creche/_core/_testing"):
        check_files(write_wheel(tmp_path, NAME, *MODULES, "creche/_core/_testing_x86_64_v3.so"), LINUX)
    with pytest.raises(AuditError, match="names the folder it was built in"):
        check_files(write_wheel(tmp_path, NAME, *MODULES, text=str(Path(__file__).parents[1])), LINUX)


def test_a_wheel_that_promises_more_than_auditwheel_finds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(auditor))

    def answer(tag: str) -> None:
        text = f'{NAME} is consistent with the following\nplatform tag: "{tag}".'
        auditor.write_text(f"#!/bin/sh\necho '{text}'\n")
        auditor.chmod(0o755)

    answer("manylinux_2_17_x86_64")
    assert check_system(tmp_path / NAME, LINUX) == "auditwheel: manylinux_2_17_x86_64"
    answer("manylinux_2_34_x86_64")
    with pytest.raises(AuditError, match="manylinux_2_34"):
        check_system(tmp_path / NAME, LINUX)


def test_a_wheel_for_every_later_python_is_judged_by_abi3audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    auditor = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(auditor))
    auditor.write_text('#!/bin/sh\necho "$@"\nexit 1\n')
    auditor.chmod(0o755)
    assert check_interface(tmp_path / NAME) == ""
    later = tmp_path / NAME.replace("cp311-cp311", "cp312-abi3")
    with pytest.raises(AuditError, match=rf"(?s)more than the stable interface.*-m abi3audit --strict {later}"):
        check_interface(later)
    auditor.write_text("#!/bin/sh\n")
    assert check_interface(later) == "abi3audit: nothing but the stable interface"


def test_two_builds_must_have_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = write_wheel(tmp_path / "a", NAME), write_wheel(tmp_path / "b", NAME)
    compare([first], [second])
    assert "has the same bytes, SHA-256 " in capsys.readouterr().out
    with pytest.raises(BuildError, match="has other bytes"):
        compare([first], [write_wheel(tmp_path / "c", NAME, text="other")])


def test_platforms_are_chosen_by_name() -> None:
    assert [p.name for p in choose_platforms("linux")] == ["linux-x86-64", "linux-aarch64"]
    assert [p.name for p in choose_platforms("linux-aarch64, linux")] == ["linux-aarch64", "linux-x86-64"]
    assert choose_platforms("all") == list(PLATFORMS.values())
    with pytest.raises(SystemExit, match="PLATFORMS: got 'plan9'; choose among all, linux, linux-x86-64"):
        choose_platforms("plan9")
    assert platform_of(Path(NAME)) is LINUX
    with pytest.raises(TrialError, match="is for none of the platforms linux-x86-64, linux-aarch64, macos-"):
        platform_of(Path("creche-1.2.3-cp311-cp311-linux_x86_64.whl"))


def put_python(folder: Path, version: str, ends_with: int = 0) -> Path:
    path = folder / f"python{version}"
    path.write_text(f"#!/bin/sh\necho /opt/python{version}\nexit {ends_with}\n")
    path.chmod(0o755)
    return path


def test_a_wheel_is_tried_with_each_python_that_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python("3.11") is None
    with pytest.raises(MissingPythonError, match=r"Python 3\.12 or 3\.13 or 3\.14: not found on the path"):
        find_one(INTERFACES[1].versions)
    for version in ("3.11", "3.13", "3.14"):
        put_python(tmp_path, version)
    put_python(tmp_path, "3.12", ends_with=1)  # a shim of one that is switched off
    assert find_one(INTERFACES[1].versions) == Path("/opt/python3.13")
    assert pythons_for(Path(NAME)) == [Path("/opt/python3.11")]
    assert pythons_for(Path(NAME.replace("cp311-cp311", "cp312-abi3"))) == [
        Path("/opt/python3.13"),
        Path("/opt/python3.14"),
    ]


def test_a_wheel_for_another_machine_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Plan 9", "", "", "", "mips")))
    assert try_wheel(tmp_path / NAME, LINUX, tmp_path) == ["not tried: it needs Linux on x86_64"]


def test_a_fresh_environment_has_nothing_of_the_user_and_shows_what_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org/simple")
    seen = variables(tmp_path, tmp_path / "bin")
    assert seen["PIP_INDEX_URL"] == "https://example.org/simple"
    assert (seen["HOME"], seen["PATH"]) == (str(tmp_path), str(tmp_path / "bin"))
    assert "PYTHONPATH" not in seen
    place = Place((sys.executable,), (), seen, tmp_path)
    assert place.call(*place.python, "-c", "print(6 * 7)") == "42\n"
    with pytest.raises(TrialError, match=r"(?s)ended with 3.*a word"):
        place.call(*place.python, "-c", "print('a word'); raise SystemExit(3)")


def test_the_cost_of_the_stable_interface_is_told_with_its_spread() -> None:
    own = [{"a call": 10e-6}, {"a call": 20e-6}, {"a call": 10e-6}]
    stable = [{"a call": 11e-6}, {"a call": 24e-6}, {"a call": 10e-6}]
    assert compare_interfaces(stable, own) == ["a call: 10.0 and 11.0 microseconds, +10.0 % (+0.0 to +20.0)"]


def test_both_interfaces_are_measured_with_one_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    put_python(tmp_path, "3.11")
    with pytest.raises(
        MissingPythonError, match=r"Python 3\.12 or 3\.13 or 3\.14: not found .* have the stable interface"
    ):
        interfaces_of_one_python()
    for version in ("3.13", "3.14"):
        put_python(tmp_path, version)
    stable, own = interfaces_of_one_python()
    assert (stable.versions, stable.tag, stable.api) == (("3.13",), "cp312-abi3", "cp312")
    assert (own.versions, own.tag, own.api) == (("3.13",), "cp313-cp313", "")
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Darwin", "", "", "", "arm64")))
    assert platform_here() == PLATFORMS["macos-arm64"]
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "", "", "", "x86_64")))
    assert platform_here().levels == ("x86_64_v3",)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Plan 9", "", "", "", "mips")))
    with pytest.raises(BuildError, match="no wheels are built for Plan 9 on mips"):
        platform_here()
