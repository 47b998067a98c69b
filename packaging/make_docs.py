"""Writes docs/errors.md and docs/settings.md from the tables of the program, and into
docs/architecture.md the picture of floors and folders from the contracts in pyproject.toml.

    .venv/bin/python packaging/make_docs.py            # write them
    .venv/bin/python packaging/make_docs.py --check    # exit 1 when they are not as the tables say

The same tables give the same bytes. `--folder` names another place than docs/.
"""

import argparse
import sys
import tomllib
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from exai_desktop.core.errors.codes import CodeInfo, ErrorCode, Outcome
from exai_desktop.core.errors.former_names import FORMER, RESERVED, RETRY_WORDS, former_names
from exai_desktop.core.errors.table import CODES
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.settings import Settings
from exai_desktop.core.settings.table import setting_info

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
sys.path.insert(0, str(ROOT))  # for the map of the tests

from tests.raises import RAISES  # noqa: E402 - only now can it be found

MADE: Final = "<!-- Made by packaging/make_docs.py: edit {source} and run it. -->\n"

GROUPS: Final = {
    1: "The file",
    2: "The account",
    3: "The provider",
    4: "The queue and other instances",
    5: "The profile on this computer",
    6: "The Supabase project",
    7: "Watched folders, receipts and the window",
    9: "The program and the network",
}

OUTCOMES: Final = {
    Outcome.REJECTED: "This file is refused; other files are not affected.",
    Outcome.AUTH: "The key or the account is not accepted: the account's files are put on hold.",
    Outcome.QUOTA: "Credit or storage is used up: the account's files are put on hold.",
    Outcome.THROTTLED: "Too many requests: the account is paused for a short time, then resumes.",
    Outcome.UNAVAILABLE: "The provider or the network does not work: retried later.",
    Outcome.UNCERTAIN: "The provider may have the file: its list is checked before any retry.",
    Outcome.CANCELLED: "You cancelled it.",
    Outcome.LOCAL: "The cause is on this computer.",
}

UNITS: Final = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))


_FORMER_WORDS: Final = (
    "Names that the web service EXAI uses for the same errors. `exai-desktop explain` accepts them"
    " too. A name with a wider meaning has several codes now.",
    "",
    "| number | name | now |",
    "|---|---|---|",
)
_RESERVED_WORDS: Final = (
    "Names of the same service that this version does not use. They will never get another"
    " meaning.",
    "",
    "| number | name | why |",
    "|---|---|---|",
)


def errors_document() -> str:
    """Every code, by number, in the groups of the thousands."""
    lines = [
        "# Error codes",
        MADE.format(source="exai_desktop/core/errors/table.py"),
        "Every error has a name, a number and a next step. Names and numbers stay the same in all"
        " versions; scripts find the name in `error.code` of `--json`.\n",
        "**Retried automatically** says whether the program retries without you. In every case"
        " nothing is sent again while the provider may already have the file.\n",
        "**Raised in** names a test in which the error occurs. `exai-desktop explain CODE` prints"
        " the same text.\n",
        "**Class** says what the error means for the other files in the queue:\n",
        "| class | meaning |",
        "|---|---|",
        *(f"| {outcome} | {OUTCOMES[outcome]} |" for outcome in Outcome),
    ]
    rows = sorted(CODES.items(), key=lambda row: row[1].number)
    for group, title in GROUPS.items():
        lines += ["", f"## {group}xxx: {title}"]
        for code, info in rows:
            if info.number // 1000 == group:
                lines += _error_lines(code, info)
    lines += ["", "## Former names", "", *_FORMER_WORDS]
    for former in FORMER:
        number = former.number or ""
        now = ", ".join(former.codes)
        lines.append(f"| {number} | {former.name} | {now} |")
    lines += ["", "## Reserved names", "", *_RESERVED_WORDS]
    lines += [f"| {name.number} | {name.name} | It {name.reason}. |" for name in RESERVED]
    return "\n".join(lines) + "\n"


def _error_lines(code: ErrorCode, info: CodeInfo) -> list[str]:
    commands = " or ".join(f"`{command}`" for command in ErrorView.of_code(code.value).commands())
    return [
        "",
        f"### {info.number} {code}",
        "",
        f"**{info.title}.** {info.hint}",
        "",
        *([f"On the command line: {commands}.", ""] if commands else []),
        f"Retried automatically: {RETRY_WORDS[info.retry]}. Class: {info.outcome}.",
        "",
        *([f"Former names: {', '.join(names)}.", ""] if (names := former_names(code)) else []),
        f"Raised in: `{RAISES[code]}`.",
    ]


def settings_document() -> str:
    """Every setting with its default and what it may be."""
    lines = [
        "# Settings",
        MADE.format(source="exai_desktop/core/settings/values.py"),
        "Each setting can also be given in the environment. That value is used for this run only:"
        " `EXAI_DESKTOP_SETTLE_S=2 exai-desktop upload report.pdf`. An invalid value is refused"
        " with its reason, and the last valid value stays in use; a setting that limits where files"
        " may go [stops sending](command-line.md#settings-that-stop-sending) then.\n",
        "The unit of names that end in `_s` is seconds, of names that end in `_bytes` bytes;"
        " `setting set` and the window also take `10 min` or `512 MiB`.",
    ]
    for name, field in Settings.model_fields.items():
        lines += [
            "",
            f"## {name}",
            "",
            field.description or "",
            "",
            f"- In the window: *{setting_info(name).section}*, {setting_info(name).title}",
            f"- Default: {_shown(name, field.default)}",
            f"- Allowed: {_allowed(name, field)}",
            f"- Environment: `EXAI_DESKTOP_{name.upper()}`",
        ]
    return "\n".join(lines) + "\n"


def _allowed(name: str, field: FieldInfo) -> str:
    kind = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(kind))
    if kind is bool:
        return "`true`, `false`"
    words = {"ge": "from {}", "gt": "more than {}", "le": "up to {}", "lt": "less than {}"}
    if get_origin(kind) is tuple:
        return "a list of texts"
    bounds = [
        text.format(_shown(name, getattr(rule, sign)))
        for sign, text in words.items()
        for rule in field.metadata
        if hasattr(rule, sign)
    ]
    what = {int: "whole numbers", float: "numbers", str: "text"}[_class(kind)]
    return " ".join([what, *bounds])


def _class(kind: Any) -> type:
    assert isinstance(kind, type)
    return kind


def _shown(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value in ("", ()):
        return "empty"
    if name.endswith("_bytes"):
        for size, unit in UNITS:
            if value >= size and value % size == 0:
                return f"`{value}` ({value // size} {unit})"
    return f"`{value}`"


SIDE_BY_SIDE: Final = 3
PICTURE: Final = ("<!-- picture: made by packaging/make_docs.py -->\n", "<!-- end of picture -->\n")


def architecture_document() -> str:
    """The page as it is, with the picture made anew."""
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    begin, end = PICTURE
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    assert after, f"docs/architecture.md has lost the line {end!r}"
    return f"{before}{begin}```text\n{_picture()}```\n{end}{after}"


def _picture() -> str:
    """The floors, a line each; below them the folders of the large packages side by side."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = {
        contract["containers"][0].rpartition(".")[2]: contract
        for contract in contracts["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    }
    floors = _storeys(layers.pop("exai_desktop"))
    width = max(map(len, floors)) + 2
    line = f"+{'-' * width}+"
    lines = ["Floors:", line]
    for floor in floors:
        lines += [f"|{floor:^{width}}|", line]
    inside = sorted(layers, key=lambda name: next(i for i, f in enumerate(floors) if name in f))
    columns = [[f"In {name}:", *_storeys(layers[name])] for name in inside]
    while columns:
        row, columns = columns[:SIDE_BY_SIDE], columns[SIDE_BY_SIDE:]
        widths = [max(map(len, column)) for column in row]
        lines.append("")
        for cells in zip_longest(*row, fillvalue=""):
            shown = [f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)]
            lines.append("    ".join(shown).rstrip())
    return "\n".join(lines) + "\n"


def _storeys(contract: dict[str, Any]) -> list[str]:
    """The layers that exist (one in brackets may be missing), then what stands apart."""
    package = ROOT.joinpath(*contract["containers"][0].split("."))
    storeys = []
    for layer in contract["layers"]:
        names = [name.strip() for name in layer.split("|")]
        there = [name for name in names if not name.startswith("(") or _is_there(package, name)]
        storeys.append(" | ".join(name.strip("()") for name in there))
    return storeys + [f"apart: {name}" for name in contract.get("exhaustive_ignores", [])]


def _is_there(package: Path, name: str) -> bool:
    bare = name.strip("()")
    return (package / bare).is_dir() or (package / f"{bare}.py").is_file()


DOCUMENTS: Final[dict[str, Callable[[], str]]] = {
    "architecture.md": architecture_document,
    "errors.md": errors_document,
    "settings.md": settings_document,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the documents that come from tables.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when stale")
    parser.add_argument("--folder", type=Path, default=DOCS, help="where they are (docs/)")
    options = parser.parse_args()
    stale = []
    for name, document in DOCUMENTS.items():
        path, text = options.folder / name, document()
        if path.is_file() and path.read_bytes() == text.encode():
            continue
        stale.append(name)
        if not options.check:
            path.write_bytes(text.encode())
            print(f"wrote {path}")
    if stale and options.check:
        print(f"stale: {', '.join(stale)}. Run packaging/make_docs.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
