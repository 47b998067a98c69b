"""The command line's entry: the verbs, and what they may open.

The module of a verb is imported when the verb is called, and `bootstrap` when it runs: to read
the options of thirty verbs takes longer than to carry out most of them.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_command_from_info, get_group
from typer.models import CommandInfo

from exai_desktop import __version__
from exai_desktop.cli.doors import PASSPHRASE_FILE, Doors, SecretDoors

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
    "get": "files.get:get",
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
    "vault": "vault:app",
    "profile": "vault:profile_app",
    "supabase": "supabase:app",
    "sandbox": "sandbox:app",
}
# Verbs that open no profile.
_WITHOUT_PROFILE: Final = frozenset({"sandbox", "explain", "supabase"})


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
            command: Any = get_group(verb)
            command.name = cmd_name
        else:
            command = get_command_from_info(
                CommandInfo(cmd_name, callback=verb),
                pretty_exceptions_short=True,
                rich_markup_mode=self.rich_markup_mode,
            )
        if cmd_name not in _WITHOUT_PROFILE:
            _give_passphrase_option(command)
        return command


def _note_passphrase_file(ctx: typer.Context, value: Path | None) -> None:
    ctx.meta[PASSPHRASE_FILE] = value


def _give_passphrase_option(command: Any) -> None:
    """Each verb that opens a profile takes `--passphrase-file`: one place instead of thirty."""
    below = getattr(command, "commands", None)
    if below:
        for each in below.values():
            _give_passphrase_option(each)
    else:
        command.params.append(_passphrase_option())


@functools.cache
def _passphrase_option() -> Any:
    """The same for all verbs; typer makes options from functions only."""
    donor = typer.Typer(add_completion=False)

    @donor.command()
    def verb_with_it(
        passphrase_file: Annotated[
            Path | None,
            typer.Option(
                "--passphrase-file",
                callback=_note_passphrase_file,
                help="Read the passphrase of the vault from this file.",
                show_default=False,
            ),
        ] = None,
    ) -> None: ...

    option = get_command(donor).params[0]
    option.expose_value = False
    return option


app = typer.Typer(
    name="exai-desktop",
    cls=_Verbs,
    help="Upload files to Kimi and GLM, and keep a list of them. Without a command: the window.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _open_service(
    sandbox: bool, passphrase: str | None
) -> AbstractAsyncContextManager[UploadService]:
    from exai_desktop import bootstrap  # late: brings the whole engine

    return bootstrap.open_service(sandbox=sandbox, passphrase=passphrase)


def _serve_sandbox(port: int, store: Path | None, limits: dict[str, str], child: bool) -> None:
    from exai_desktop import bootstrap  # late: brings a web server

    bootstrap.serve_sandbox(port, store, limits, exit_with_stdin=child)


def _resource(*parts: str) -> Path:
    from exai_desktop import bootstrap

    return bootstrap.resource_path(*parts)


def _secret_doors() -> SecretDoors:
    def passphrase(file: Path | None, ask: Callable[[], str] | None) -> str | None:
        from exai_desktop import bootstrap

        return bootstrap.passphrase_for(file, ask)

    def new_passphrase(
        file: Path | None, key_file: Path | None, ask: Callable[[], str] | None, is_new: bool
    ) -> tuple[str, str]:
        from exai_desktop import bootstrap

        return bootstrap.new_passphrase(file, key_file, ask, for_new_vault=is_new)

    def settle_copy(choice: str, given: str | None) -> str:
        from exai_desktop import bootstrap

        return bootstrap.settle_copy(choice, given)

    return SecretDoors(passphrase, new_passphrase, settle_copy)


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
    ctx.obj = Doors(_open_service, _serve_sandbox, _secret_doors(), _resource)


def main() -> None:
    """Run one verb; ends the process with its exit code."""
    # On Windows click would replace `~`, variables and patterns once more.
    app(windows_expand_args=False)
