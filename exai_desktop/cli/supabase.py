"""The verb `supabase migrations`: the schema for a project of the user's own, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from exai_desktop.cli.doors import doors
from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output

app = typer.Typer()

_SETTINGS: Final = "config.toml"


@app.callback()
def _supabase() -> None:
    """Records of your uploads in a Supabase project of your own."""


@app.command()
def migrations(
    ctx: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", file_okay=False, help="The folder of your project; made if absent."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Write the tables and functions that your project needs, for `supabase db push`."""
    output = Output(as_json=as_json)
    source, target = doors(ctx).resource("supabase"), folder / "supabase"
    try:
        wanted, kept = _compare(source, target, output)
        for path in wanted:
            _write(target / path, (source / path).read_bytes())
    except OSError as error:
        place = error.filename or folder
        raise typer.BadParameter(f"{place}: {error.strerror}", param_hint="DIR") from error
    if as_json:
        written = [str(target / path) for path in wanted]
        unchanged = [str(target / path) for path in kept]
        output.json({"folder": str(folder), "written": written, "unchanged": unchanged})
        return
    for path in wanted:
        output.line(f"written    {target / path}")
    for path in kept:
        output.line(f"unchanged  {target / path}")
    output.line("Next, in that folder: supabase link, then supabase db push.")


def _compare(source: Path, target: Path, output: Output) -> tuple[list[Path], list[Path]]:
    """What is to be written, and what is there; ends the verb where the user's files differ."""
    wanted, kept = [], []
    for path in sorted(each.relative_to(source) for each in source.rglob("*") if each.is_file()):
        place = target / path
        if not place.exists():
            wanted.append(path)
        # The settings are the user's own once they are there.
        elif path.name == _SETTINGS or place.read_bytes() == (source / path).read_bytes():
            kept.append(path)
        else:
            _refuse(place, output)
    return wanted, kept


def _refuse(place: Path, output: Output) -> None:
    """What may have been applied is never replaced, and nothing is written beside it."""
    words = f"{place} has other content than this program's file. Nothing was written."
    hint = "Move the file away, or choose another folder."
    if output.as_json:
        output.json({"error": {"title": words, "hint": hint}})
    output.notice(f"{words} {hint}")
    raise typer.Exit(int(Exit.SOME_FAILED))


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as file:
        try:
            file.write(content)
            file.flush()
        except OSError:
            # A part of a migration must not be taken for the whole.
            place.unlink()
            raise
