"""The verbs `pause` and `resume`: the whole queue, whoever sends: window, timers, `watch run`."""

from __future__ import annotations

import re
from typing import Annotated, Final

import typer

from exai_desktop.cli.jobs.jobs import Json, Sandbox
from exai_desktop.cli.output import Exit, Output, when
from exai_desktop.cli.session import run_verb
from exai_desktop.core.service import UploadService

_SPAN: Final = re.compile(r"(\d{1,6})([smh]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3_600}


def seconds(text: str) -> float:
    """`90`, `90s`, `30m` or `2h` in seconds; another word is wrong usage."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None or not int(match[1]):
        raise typer.BadParameter(f"{text!r} is not a time such as 90s, 30m or 1h")
    return float(int(match[1]) * _SECONDS[match[2]])


def pause(
    ctx: typer.Context,
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="90s, 30m, 1h; without it until `resume`."),
    ] = None,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Pause all uploads until `resume`. Uploads in progress finish."""
    for_s = None if for_ is None else seconds(for_)

    async def verb(service: UploadService, output: Output) -> Exit:
        await service.queue.pause(None, for_s)
        return await _say(service, output)

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def resume(ctx: typer.Context, as_json: Json = False, sandbox: Sandbox = False) -> None:
    """Resume uploads, also if battery or network paused them."""

    async def verb(service: UploadService, output: Output) -> Exit:
        await service.queue.resume()
        return await _say(service, output)

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


async def _say(service: UploadService, output: Output) -> Exit:
    summary = await service.queue.summary()
    if output.as_json:
        output.json({"paused": summary.paused, "until": summary.paused_until})
    else:
        until = "" if summary.paused_until is None else f" until {when(summary.paused_until)}"
        output.line(f"Paused{until}." if summary.paused else "Resumed.")
    if not summary.pause_is_kept:
        output.notice("This could not be written to the profile: it ends with the program.")
        return Exit.SOME_FAILED
    return Exit.OK
