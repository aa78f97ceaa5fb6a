"""The code of docs/trackers.md runs with the real packages and prints what is shown; `make trackers` installs them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

PAGE = Path(__file__).parents[2] / "docs" / "trackers.md"
NEEDED = {"MLflow": ("mlflow", "sqlalchemy"), "Weights & Biases": ("wandb",), "Aim": ("aim",),
          "Optuna's dashboard": ("optuna_dashboard",)}  # fmt: skip


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_each_section_is_tested() -> None:
    assert list(sections()) == list(NEEDED)


@pytest.mark.parametrize("name", NEEDED)
def test_the_code_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in NEEDED[name]:
        pytest.importorskip(package, reason="needs the trackers: make trackers")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SILENT", "true")
    names: dict[str, object] = {}
    exec("import creche as cr\nrun = cr.train('penguins', label='species', epochs=1, threads=1)", names)
    for code in re.findall(r"^```python\n(.*?)^```$", sections()[name], re.DOTALL | re.MULTILINE):
        exec(compile(code, PAGE.name, "exec"), names)
    printed = capsys.readouterr().out
    for output in re.findall(r"print\(.*\)\n```\n\n```\n((?:(?!```).*\n)*)```$", sections()[name], re.MULTILINE):
        assert output in printed
    assert any(tmp_path.iterdir())
    if name == "MLflow":
        names["mlflow"].set_tracking_uri(None)  # type: ignore[attr-defined]
