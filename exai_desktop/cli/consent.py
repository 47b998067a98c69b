"""The option `--accept` of several verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from exai_desktop.core.consent import ASKING, accepted_codes

Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="|".join(ASKING),
        help="Send it although this is found in it; repeatable.",
        show_default=False,
    ),
]


def accepted(words: list[str] | None) -> tuple[str, ...]:
    """As codes; another word is wrong usage."""
    try:
        return accepted_codes(words or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--accept") from error
