"""The command line's entry: the verbs, and what they may open.

`bootstrap` is imported when a verb runs, so that `--help` costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from exai_desktop import __version__
from exai_desktop.cli import audit, doctor, settings, vault
from exai_desktop.cli.accounts import accounts, health, rules
from exai_desktop.cli.files import at_provider, files, remote
from exai_desktop.cli.jobs import jobs, pausing
from exai_desktop.cli.jobs.explain import explain_error
from exai_desktop.cli.jobs.jobs import settle
from exai_desktop.cli.jobs.upload import upload
from exai_desktop.cli.session import PASSPHRASE_FILE, Doors, SecretDoors, doors
from exai_desktop.core.service import UploadService

app = typer.Typer(
    name="exai-desktop",
    help="Upload files to Kimi and GLM, and keep a list of them. Without a command: the window.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(upload)
app.command("list")(jobs.list_jobs)
app.command()(jobs.show)
app.command()(jobs.retry)
app.command()(jobs.cancel)
app.command()(at_provider.delete)
app.command()(at_provider.content)
app.command()(settle)
app.command()(pausing.pause)
app.command()(pausing.resume)
app.command()(files.files)
app.command()(files.search)
app.command("import")(files.import_files)
app.command()(remote.verify)
app.command()(remote.reconcile)
app.command()(doctor.doctor)
app.command()(health.health)
app.command("explain")(explain_error)
app.add_typer(accounts.app, name="account")
app.add_typer(audit.app, name="audit")
app.add_typer(rules.app, name="rule")
app.add_typer(settings.app, name="setting")
app.add_typer(vault.app, name="vault")
app.add_typer(vault.profile_app, name="profile")

sandbox_app = typer.Typer(help="Test servers on this computer that behave like Kimi and GLM.")
app.add_typer(sandbox_app, name="sandbox")


def _open_service(
    sandbox: bool, passphrase: str | None
) -> AbstractAsyncContextManager[UploadService]:
    from exai_desktop import bootstrap  # late: brings the whole engine

    return bootstrap.open_service(sandbox=sandbox, passphrase=passphrase)


def _serve_sandbox(port: int, store: Path | None, limits: dict[str, str], child: bool) -> None:
    from exai_desktop import bootstrap  # late: brings a web server

    bootstrap.serve_sandbox(port, store, limits, exit_with_stdin=child)


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
    ctx.obj = Doors(_open_service, _serve_sandbox, _secret_doors())


@sandbox_app.callback()
def _sandbox() -> None:
    """Test servers on this computer that behave like Kimi and GLM."""


@sandbox_app.command()
def serve(
    ctx: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free port.")] = 0,
    store: Annotated[
        Path | None, typer.Option(help="Folder for the stored files.", show_default=False)
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A limit or delay.", show_default=False),
    ] = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Exit when standard input is closed.")
    ] = False,
) -> None:
    """Run until interrupted. Prints addresses, keys and the control token as JSON."""
    limits: dict[str, str] = {}
    for item in set_ or ():
        name, equals, value = item.partition("=")
        if not equals:
            raise typer.BadParameter(f"{item!r} is not NAME=VALUE")
        limits[name] = value
    doors(ctx).serve_sandbox(port, store, limits, with_parent)


def _note_passphrase_file(ctx: typer.Context, value: Path | None) -> None:
    ctx.meta[PASSPHRASE_FILE] = value


# Verbs that open no profile.
_WITHOUT_PROFILE: Final = frozenset({"sandbox", "explain"})


def _give_passphrase_option(group: Any) -> None:
    """Each verb that opens a profile takes `--passphrase-file`: one place instead of thirty."""
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

    option = typer.main.get_command(donor).params[0]
    option.expose_value = False

    def give(commands: dict[str, Any]) -> None:
        for name, command in commands.items():
            if name in _WITHOUT_PROFILE:
                continue
            if below := getattr(command, "commands", None):
                give(below)
            else:
                command.params.append(option)

    give(group.commands)


def main() -> None:
    """Run one verb; ends the process with its exit code."""
    group = typer.main.get_command(app)
    _give_passphrase_option(group)
    group()
