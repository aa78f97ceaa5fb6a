"""The files of a call: nothing that is read is overwritten, for every command, output and input."""

from __future__ import annotations

import inspect
import os
import re
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import pytest

import creche as cr
from creche._system.output_files import Input, Output
from creche.cli.files import File, check_files, declared_files
from creche.cli.main import COMMANDS
from creche.cli.options import FILES, Option, with_options
from creche.table.datasets import bundled_path
from tests.unit.cli.commands import PENGUINS, QUICK, main, process
from tests.unit.small_runs import PENGUINS_CSV

SIMPLE = ["--label", "species", "--hidden", "3", "--epochs", "2", "--threads", "1"]

# A file for each kind of input that a command declares.
INPUTS = {
    "table": "t.csv", "model": "m.creche", "plan": "p.toml", "validation table": "v.csv", "test table": "s.csv",
    "checkpoint": "runs", "token file": "p.toml",
}  # fmt: skip

# Every way to name a file in the working folder.
SPELLINGS: dict[str, Callable[[Path], str]] = {
    "same": str,
    "absolute": lambda path: str(path.absolute()),
    "dot": lambda path: f"./{path}",
    "dots": lambda path: f"elsewhere/../{path}",
    "symbolic link": lambda path: _linked(path, "symbolic", lambda link: link.symlink_to(path.absolute())),
    "link to a link": lambda path: _linked(
        path, "twice", lambda link: link.symlink_to(Path(SPELLINGS["symbolic link"](path)).absolute())
    ),
    "hard link": lambda path: _linked(path, "hard", lambda link: link.hardlink_to(path)),
    "linked folder": lambda path: str(_folder_link() / path),
}


def _linked(path: Path, kind: str, link: Callable[[Path], None]) -> str:
    name = Path("elsewhere", f"{kind}-{path.name}.link")
    if not name.is_symlink() and not name.exists():
        link(name)
    return str(name)


def _folder_link() -> Path:
    link = Path("elsewhere", "here")
    if not link.is_symlink():
        link.symlink_to(Path().absolute())
    return link


def files_of(name: str) -> list[File]:
    return declared_files(getattr(import_module(f"creche.cli.{name}"), name))


def command_line(command: str, inputs: dict[str, str], outputs: dict[str, str]) -> list[str]:
    """The call with these inputs, by parameter, and outputs, by flag."""
    arguments, options = [], []
    for file in files_of(command):
        value = inputs.get(file.name)
        if value is not None:
            (options if file.flag else arguments).extend([file.flag, value] if file.flag else [value])
    typed = [word for pair in outputs.items() for word in pair if not word.isupper()]  # OUTPUT names an argument
    return [command.replace("_", "-"), *arguments, *options, *typed]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file for each kind of input."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("t.csv", "v.csv", "s.csv"):
        shutil.copy(PENGUINS_CSV, folder / name)
    (folder / "p.toml").write_text("epochs = 2\n")
    table = str(folder / "t.csv")
    checkpoint = ["--checkpoint", str(folder / "runs"), "--validation-data", str(folder / "v.csv")]
    assert main(["train", table, *SIMPLE, *checkpoint, "-o", str(folder / "m.creche"), "--json"]) == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    (tmp_path / "elsewhere").mkdir()
    recorded = tmp_path / "runs" / "run.json"
    recorded.write_text(recorded.read_text().replace(str(made), str(tmp_path)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def cases() -> Iterator[tuple[str, File, str]]:
    """Every command, each of its outputs, and each file that it reads."""
    for command in COMMANDS:
        files = files_of(command)
        for output in (file for file in files if isinstance(file.declared, Output)):
            for read in (file.declared.what for file in files if isinstance(file.declared, Input)):
                yield command, output, INPUTS[read]
            if command == "resume":
                for name in ("t.csv", "v.csv", "runs/run.json", "runs/epoch-000002.creche-checkpoint"):
                    yield command, output, name


CASES = [
    pytest.param(*case, id=f"{case[0]} {case[1].flag} {case[2]}")
    for case in dict.fromkeys(cases())
    if case[2] != "runs"  # a folder is not a file that could be overwritten
]


@pytest.mark.parametrize(("command", "output", "name"), CASES)
def test_no_output_overwrites_an_input(
    command: str, output: File, name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = output.declared
    assert isinstance(declared, Output)
    inputs = {
        file.name: INPUTS[file.declared.what]
        for file in files_of(command)
        if isinstance(file.declared, Input) and not (command == "resume" and file.flag and "/" in name)
    }
    for spelling, spell in SPELLINGS.items():
        target = spell(Path(name))
        before = content(folder)
        assert main(command_line(command, inputs, {output.flag: target})) == 2, spelling
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith(f"creche: {output.flag}: {Path(target)}"), spelling
        assert re.search(r"is the [a-z ]+(of --[a-z-]+ )?itself; give another name\n$", printed.err), spelling
        assert content(folder) == before, spelling
        if declared.patterns:
            inside = Path("into", declared.patterns[0].replace("*", "000001"))
            inside.parent.mkdir(exist_ok=True)
            inside.symlink_to(Path(target).absolute())
            assert main(command_line(command, inputs, {output.flag: "into"})) == 2, spelling
            assert f"{output.flag}: into holds the " in capsys.readouterr().err, spelling
            inside.unlink()
            assert content(folder) == before, spelling


def two_outputs() -> Iterator[Any]:
    for command in COMMANDS:
        outputs = [file for file in files_of(command) if isinstance(file.declared, Output)]
        for pair in combinations(outputs, 2):
            yield pytest.param(command, *pair, id=f"{command} {pair[0].flag} {pair[1].flag}")


@pytest.mark.parametrize(("command", "first", "second"), [*two_outputs()])
@pytest.mark.parametrize("exists", [False, True])
def test_two_outputs_are_two_files(
    command: str, first: File, second: File, exists: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isinstance(first.declared, Output)
    target = inside = Path("elsewhere", "x")
    if first.declared.patterns:
        target = Path("elsewhere")
        inside = Path("elsewhere", first.declared.patterns[0])
    inputs = {f.name: INPUTS[f.declared.what] for f in files_of(command) if isinstance(f.declared, Input)}
    if exists:
        inside.write_text("of the user")
    before = content(folder)
    for spelled in (str(inside), f"./{inside}", str(inside.absolute())):
        assert main(command_line(command, inputs, {first.flag: str(target), second.flag: spelled})) == 2
        assert re.search(f"is written by {first.flag}, too; give another name", capsys.readouterr().err)
        assert content(folder) == before


# Arguments that are words or numbers, as those of `creche glossary` and `creche recipe`.
NO_FILES = ("term", "name", "task", "rows")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_that_names_a_file_declares_it(command: str) -> None:
    function = getattr(import_module(f"creche.cli.{command}"), command)
    declared = {file.name for file in declared_files(function)}
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        option = next((m for m in getattr(parameter.annotation, "__metadata__", ()) if isinstance(m, Option)), None)
        is_argument = option is None and parameter.name not in NO_FILES
        names_file = option is not None and option.kind in (str, Path) and re.match(
            r"File|Folder|TOML|The table|Write|Draw|.*(to|in|from) this (\w+ )?(file|folder)", option.help
        )  # fmt: skip
        assert parameter.name in declared or not (is_argument or names_file), parameter.name


def test_a_command_with_an_undeclared_path_does_not_begin() -> None:
    @with_options(Option("fish", Path, FILES, "Write the fish to this file."))
    def waddle(**given: Any) -> None:
        """Waddle."""

    def dive(hole: Annotated[Path, "deep"]) -> None:
        """Dive."""

    for command in (waddle, dive):
        with pytest.raises(TypeError, match=r"(fish|hole) is a path; declare what it is"):
            check_files(command)


@pytest.mark.parametrize("command", COMMANDS)
def test_outputs_that_cannot_be_written_are_refused_before_any_work(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = {f.name: INPUTS[f.declared.what] for f in files_of(command) if isinstance(f.declared, Input)}
    before = content(folder)
    for file in files_of(command):
        if not isinstance(file.declared, Output):
            continue
        refused = {"t.csv/x.png": "folder", "-": "name a"} if file.declared.patterns else {
            "no/x.png": "there is no folder", "elsewhere": "is a folder", "elsewhere/": "is a folder",
            "t.csv/x.png": "folder", "x" * 300 + ".png": "too long", "-": "name a file",
        }  # fmt: skip
        for name, message in refused.items():
            if name == "-" and file.declared.to_stream:
                continue
            assert main(command_line(command, inputs, {file.flag: name})) == 2, name
            printed = capsys.readouterr()
            assert printed.err.startswith(f"creche: {file.flag}: "), name
            assert message in printed.err, name
            assert printed.out == ""
        with monkeypatch.context() as patch:
            # Root may write anywhere.
            patch.setattr("os.access", lambda path, mode: not (mode & os.W_OK))
            for name in ("elsewhere/new.png", "elsewhere/old.png"):
                Path("elsewhere/old.png").touch()
                target = "elsewhere" if file.declared.patterns else name
                assert main(command_line(command, inputs, {file.flag: target})) == 2, name
                assert "write-protected" in capsys.readouterr().err
                Path("elsewhere/old.png").unlink()
    assert content(folder) == before


@pytest.mark.parametrize("ending", [".csv", ".CSV", ".parquet", ".xlsx", ".jsonl", ".arrow", ".tsv", ".csv.gz"])
def test_what_is_no_table_is_not_named_like_one(ending: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The slip of giving another table's name, whose content no model can replace."""
    other = Path(f"other{ending}")
    other.write_bytes(b"of the user")
    for typed, what in {
        ("train", "t.csv", *SIMPLE, "-o"): "a model file ends in .creche",
        ("sweep", "t.csv", *SIMPLE, "-o"): "a model file ends in .creche",
        ("sweep", "t.csv", *SIMPLE, "--checkpoint"): "a checkpoint ends in .creche-sweep",
        ("resume", "runs", "-o"): "a model file ends in .creche",
        ("show", "m.creche", "--save-plan"): "a plan file ends in .toml",
        ("trace", "m.creche", "t.csv", "--html"): "a page ends in .html",
        ("report", "m.creche", "t.csv", "--card"): "a model card ends in .md",
    }.items():
        assert main([*typed, str(other)]) == 2
        assert capsys.readouterr().err == (
            f"creche: {typed[-1].replace('-o', '--output') if typed[-1] == '-o' else typed[-1]}: {other}: "
            f"is the name of a table ({'.csv' if ending == '.csv.gz' else ending.lower()}); {what}\n"
        )
    assert other.read_bytes() == b"of the user"


def test_files_that_are_written_by_default_are_checked_as_well(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("report.html").symlink_to("t.csv")
    before = content(folder)
    assert main(["report", "m.creche", "t.csv"]) == 2
    assert "--output: report.html, another name of t.csv, is the table itself" in capsys.readouterr().err
    Path("plots").mkdir()
    Path("plots", "roc_curves.png").symlink_to("../m.creche")
    before = content(folder)
    assert main(["plot", "m.creche", "t.csv"]) == 2
    assert "--output: plots holds the model, m.creche, under a name" in capsys.readouterr().err
    assert content(folder) == before


def test_a_picture_without_a_suffix_gets_one_before_it_is_compared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.rename("t.csv", "t.png")
    before = content(folder)
    assert main(["explain", "m.creche", "t.png", "--plot", "t"]) == 2
    assert "--plot: t.png is the table itself" in capsys.readouterr().err
    assert content(folder) == before


def test_a_table_in_the_home_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    before = content(folder)
    assert main(["predict", "m.creche", "~/t.csv", "-o", str(folder / "t.csv")]) == 2
    assert "is the table itself" in capsys.readouterr().err
    assert content(folder) == before


def test_the_bundled_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bundled_path("penguins")
    assert path is not None
    before = path.read_bytes()
    for typed in (["predict", "m.creche", "penguins", "-o", str(path)], [*PENGUINS, "--save-plan", str(path)]):
        assert main(typed) == 2
        assert "is the table itself" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main(["predict", "m.creche", "penguins", "-o", "penguins.csv"]) == 0  # another file of its name


def test_standard_input_and_output_may_be_the_file(folder: Path) -> None:
    before = content(folder)
    table = Path("t.csv").read_text()
    with open("t.csv") as given, open("t.csv", "a") as appended:
        from_input = run_with("predict", "m.creche", "-", "-o", "t.csv", stdin=given)
        to_output = run_with("predict", "m.creche", "t.csv", stdout=appended)
        dashed = run_with("predict", "m.creche", "t.csv", "-o", "-", stdout=appended)
        device = run_with("predict", "m.creche", "t.csv", "-o", "/dev/stdout", stdout=appended)
    for done in (from_input, dashed, device, to_output):
        assert done.returncode == 2
        assert "is the table itself" in done.stderr
    assert content(folder) == before
    assert process("predict", "m.creche", "-", "-o", "out.csv", given=table).returncode == 0
    assert len(pl.read_csv("out.csv")) == len(pl.read_csv("t.csv"))
    whole = Path("out.csv").read_text()
    assert process("predict", "m.creche", "t.csv").stdout == whole
    assert process("predict", "m.creche", "t.csv", "-o", "/dev/stdout", "--output-format", "csv").stdout == whole
    assert process("show", "m.creche", "--save-plan", "/dev/stdout").stdout.startswith("label = ")
    assert process("train", "/dev/stdin", *SIMPLE, "-o", "/dev/null", given=table).returncode == 0


def run_with(*arguments: str, **streams: Any) -> Any:
    import subprocess

    from tests.unit.cli.commands import SECONDS_OF_A_HANG, environment, quick_command

    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **streams}
    return subprocess.run(
        [*quick_command(), *arguments], env=environment(), stderr=subprocess.PIPE, text=True, check=False,
        timeout=SECONDS_OF_A_HANG, **streams,
    )  # fmt: skip


def test_pipes_and_the_null_device_may_be_named_twice(folder: Path) -> None:
    assert main([*QUICK, "-o", "/dev/null", "--save-plan", "/dev/null", "--json"]) == 0
    os.mkfifo("pipe")
    script = "cat t.csv > pipe & python_creche predict m.creche pipe -o out.csv"
    done = shell(script)
    assert done.returncode == 0, done.stderr
    os.mkfifo("result")
    done = shell("cat result > copied.csv & python_creche predict m.creche t.csv -o result --output-format csv; wait")
    assert done.returncode == 0, done.stderr
    assert Path("copied.csv").read_bytes() == Path("out.csv").read_bytes()


def shell(script: str) -> Any:
    import shlex
    import subprocess

    from tests.unit.cli.commands import SECONDS_OF_A_HANG, environment, quick_command

    script = script.replace("python_creche", shlex.join(quick_command()))
    return subprocess.run(
        script, shell=True, env=environment(), capture_output=True, text=True, check=False, timeout=SECONDS_OF_A_HANG
    )


def test_results_are_replaced_and_other_files_written_as_before(folder: Path) -> None:
    for _ in range(2):
        assert main(["train", "t.csv", *SIMPLE, "-o", "n.creche", "--save-plan", "n.toml", "--json"]) == 0
        assert main(["predict", "n.creche", "t.csv", "-o", "n.csv"]) == 0
    assert main(["train", "t.csv", "--plan", "n.toml", "--save-plan", "n2.toml", "-o", "n.creche", "--json"]) == 0
    assert Path("n.toml").read_bytes() == Path("n2.toml").read_bytes()
    assert isinstance(cr.load("n.creche"), cr.Model)
    assert main(["resume", "runs", "-o", "runs/model.creche", "--json"]) == 0
