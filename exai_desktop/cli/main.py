"""The command line's entry: the verbs, and what they may open.

The module of a verb is imported when the verb is called, and `bootstrap` when it runs: to read
the options of thirty verbs takes longer than to carry out most of them.
"""

from __future__ import annotations

import importlib
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info, get_group
from typer.models import CommandInfo

from exai_desktop import __version__
from exai_desktop.cli.doors import Doors

if TYPE_CHECKING:
    from exai_desktop.core.service import UploadService

# In the order of `--help`. A verb, or a `typer.Typer` of several, by its place in this package.
VERBS: Final = {
    "upload": "jobs.upload:upload",
    "list": "jobs.jobs:list_jobs",
    "show": "jobs.jobs:show",
    "retry": "jobs.jobs:retry",
    "cancel": "jobs.jobs:cancel",
    "delete": "files.at_provider:delete",
    "content": "files.at_provider:content",
    "settle": "jobs.jobs:settle",
    "pause": "jobs.pausing:pause",
    "resume": "jobs.pausing:resume",
    "files": "files.files:files",
    "search": "files.files:search",
    "import": "files.files:import_files",
    "verify": "files.remote:verify",
    "reconcile": "files.remote:reconcile",
    "doctor": "doctor:doctor",
    "health": "accounts.health:health",
    "explain": "jobs.explain:explain_error",
    "account": "accounts.accounts:app",
    "audit": "audit:app",
    "rule": "accounts.rules:app",
    "setting": "settings:app",
    "sandbox": "sandbox:app",
}


class _Verbs(TyperGroup):
    """Each verb is imported when it is asked for."""

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        # By these names a mistyped one is told.
        self.commands.update(dict.fromkeys(VERBS))  # type: ignore[arg-type]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        place = VERBS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        verb = getattr(importlib.import_module(f"exai_desktop.cli.{module}"), name)
        if isinstance(verb, typer.Typer):
            group = get_group(verb)
            group.name = cmd_name
            return group
        return get_command_from_info(
            CommandInfo(cmd_name, callback=verb),
            pretty_exceptions_short=True,
            rich_markup_mode=self.rich_markup_mode,
        )


app = typer.Typer(
    name="exai-desktop",
    cls=_Verbs,
    help="Upload files to Kimi and GLM, and keep a list of them. Without a command: the window.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _open_service(sandbox: bool) -> AbstractAsyncContextManager[UploadService]:
    from exai_desktop import bootstrap  # late: brings the whole engine

    return bootstrap.open_service(sandbox=sandbox)


def _serve_sandbox(port: int, store: Path | None, limits: dict[str, str], child: bool) -> None:
    from exai_desktop import bootstrap  # late: brings a web server

    bootstrap.serve_sandbox(port, store, limits, exit_with_stdin=child)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"exai-desktop {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    ctx.obj = Doors(_open_service, _serve_sandbox)


def main() -> None:
    """Run one verb; ends the process with its exit code."""
    app()
