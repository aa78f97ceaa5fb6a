"""Find turns of phrase that this project does not use: python tools/check_language.py [FILE ...], part of `make lint`.

The project writes plain technical English, subject and verb first, in the terms of scikit-learn, PyTorch and Polars.
Each turn below has a plain form, which is printed with the place. Docstrings, comments and texts of Python and C++ are
read, and all of the documentation outside its blocks of code.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
# The files that hold the turns.
EXAMPLES = (Path(__file__).resolve(), ROOT / "tests/test_check_language.py")

# A turn, and what to write instead.
TURNS = {
    r"\bsaid\b": "predicted (of a model), given, or the plain verb",
    r"\b(?:network|model|ensemble)s? says?\b": "the network predicts",
    r"\bbe (?:it|they)\b": "whether … or …",
    r"\bof (?:which|whom|whose)\b": "a sentence of its own, or 'whose'",
    r"\bstands\b(?! for| out)": "is",
    r"\bbeside (?:it|them|that|each other)\b": "next to, with, or as well as",
    r"\bcommonest\b": "most frequent",
    r"\bmost mistaken\b": "largest errors",
    r"\bto the truth\b": "p(true)",
    r"\b(?:somebody|nobody|whoever)\b": "a member, no network, the caller",
    r"\bso many\b": "the number, with its name",
    r"\bsuch as may\b": "which may",
    r"\bwhat is given\b": "the arguments",
    r"\bto bear\b": "without improvement",
    r"\bdealt out\b": "split",
    r"\balways (?:saying|said)\b": "the baseline",
    # A predicate is denied with "not": "is not a file". Only a few idioms have "no".
    r"\b(?!there\b|There\b|where\b|Where\b)\w+\s+(?:is|are|was|were)\s+no\s+"
    r"(?!(?:longer|more|less|better|worse|wider|other|concern|exception|need|way)\b)\w": "is not a …, are not …",
    r"\bfrom\s+which\s+(?:\w+\s+)?on\b": "at or above which",
    r"\bdoes\s+not\s+go\s+with\b": "cannot be combined with",
    r"\brows?\s+(?:that|which)\s+(?:\w+\s+){1,3}(?:did|do|does|has|have)\s+not\s+learn": "was not trained on",
    r"\b(?:is|are)\s+(?:learnt|learned)\s+as\b": "is treated as",
    r"\blets?\s+expect\b": "than expected, as expected",
    r"\bworth\s+a\s+look\b": "to check",
    r"; (?:There|The|It|This|These|Needs|Give|Choose|Use|If|An?|For|Try|Set) ": "a small letter after a semicolon",
}
BEGINNINGS = {r"Of\b": "name the thing first: 'Seed for the split', not 'Of the split'"}


class Finding(NamedTuple):
    path: Path
    line: int
    turn: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.turn!r}: write {self.instead}"


def texts_of_python(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each comment and string; names, even in f-strings, are the code's."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
        elif token.type == tokenize.STRING:
            body = token.string
            prefix = body[: re.search(r"[\"']", body).start()].lower()  # type: ignore[union-attr]
            if "f" in prefix:
                body = re.sub(r"\{[^{}]*\}", "{}", body)
            body = re.sub(r"(?m)^\s*(?:>>>|\.\.\.) .*$", "", body)  # examples are code
            yield token.start[0], re.sub(r"``[^`\n]*``|`[^`\n]*`", "", body)


def beginnings_of_python(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each docstring, parameter description and help text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (doc := ast.get_docstring(node)):
            line = getattr(node, "lineno", 1)
            yield line, doc
            for before, after in zip(doc.splitlines(), doc.splitlines()[1:], strict=False):
                if re.match(r"\w[\w, *]* : \S", before) and after.startswith("    "):
                    yield line, after.strip()
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Option", "Argument", "Cli"):
            for value in (*node.args, *(keyword.value for keyword in node.keywords)):
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.lineno, value.value


def texts_of_cpp(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        for found in re.finditer(r"//.*|\"(?:[^\"\\]|\\.)*\"", line):
            yield number, found[0]


def texts_of_markdown(text: str) -> Iterator[tuple[int, str]]:
    is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield number, re.sub(r"`[^`]*`", "", line)


def findings(path: Path) -> Iterator[Finding]:
    text = path.read_text()
    read = {".py": texts_of_python, ".pyi": texts_of_python, ".md": texts_of_markdown}.get(path.suffix, texts_of_cpp)
    pieces = list(read(text))
    # Nearly all turns are nowhere in a file. No turn matches across what lies between the pieces here.
    together = "\n\0\n".join(piece for _, piece in pieces)
    turns = [turn for turn in TURNS if re.search(turn, together)]
    for line, piece in pieces if turns else ():
        for turn in turns:
            for found in re.finditer(turn, piece):
                yield Finding(path, line + piece.count("\n", 0, found.start()), found[0], TURNS[turn])
    if path.suffix == ".py" and any(re.search(rf"\b{beginning}", text) for beginning in BEGINNINGS):
        for line, piece in beginnings_of_python(text):
            for turn, instead in BEGINNINGS.items():
                if re.match(turn, piece):
                    yield Finding(path, line, piece.splitlines()[0][:60], instead)


def main(names: list[str]) -> int:
    if not names:
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
        names = [name for name in listing.stdout.decode().split("\0") if name]
    kinds = (".py", ".pyi", ".hpp", ".cpp", ".md")
    paths = [ROOT / name for name in names if Path(name).suffix in kinds]
    found = [one for path in paths if path.is_file() and path not in EXAMPLES for one in findings(path)]
    for one in found:
        print(one)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
