"""The verb `explain`: what the name or number of an error means. It opens no profile."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Output
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.former_names import RETRY_WORDS, Explanation, explain, former_names
from exai_desktop.core.errors.table import CODES
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.names import plain_text


def explain_error(
    code: Annotated[
        str, typer.Argument(help="The code, number or former name of an error.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Explain an error: what happened, what to do, and whether it is retried automatically."""
    found = explain(code)
    if found is None:
        raise typer.BadParameter(f"there is no error called {plain_text(code, 60)!r}")
    output = Output(as_json=as_json)
    if as_json:
        output.json(_object(found))
    else:
        _print(found, output)


def _object(found: Explanation) -> dict[str, Any]:
    return {
        "asked": found.former.name if found.former else None,
        "reserved": found.reserved._asdict() if found.reserved else None,
        "codes": [
            {
                "code": code.value,
                "number": CODES[code].number,
                "title": CODES[code].title,
                "hint": CODES[code].hint,
                "retry": CODES[code].retry.value,
                "outcome": CODES[code].outcome.value,
                "commands": ErrorView.of_code(code.value).commands(),
                "former_names": list(former_names(code)),
            }
            for code in found.codes
        ],
    }


def _print(found: Explanation, output: Output) -> None:
    if found.reserved is not None:
        kept = found.reserved
        output.line(f"{kept.number} {kept.name} is reserved: it {kept.reason}.")
    if found.former is not None:
        now = ", ".join(found.codes)
        output.line(f"{found.former.name} is a former name. It is now: {now}")
    for code in found.codes:
        _print_code(code, output)


def _print_code(code: ErrorCode, output: Output) -> None:
    info = CODES[code]
    output.line(f"{info.number} {code}")
    output.line(f"  {'what happened':15} {info.title}")
    output.line(f"  {'what to do':15} {info.hint}")
    for command in ErrorView.of_code(code.value).commands():
        output.line(f"  {'command':15} {command}")
    output.line(f"  {'retried':15} {RETRY_WORDS[info.retry]}")
    if names := former_names(code):
        output.line(f"  {'former names':15} {', '.join(names)}")
