"""The command line's entry: the verbs, and what they may open.

`bootstrap` is imported when a verb runs, so that `--help` costs nothing.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

import typer

from exai_desktop import __version__
from exai_desktop.cli import audit, doctor, settings
from exai_desktop.cli.accounts import accounts, health, rules
from exai_desktop.cli.files import at_provider, files, get, remote
from exai_desktop.cli.jobs import jobs, pausing
from exai_desktop.cli.jobs.explain import explain_error
from exai_desktop.cli.jobs.jobs import settle
from exai_desktop.cli.jobs.upload import upload
from exai_desktop.cli.session import Doors, doors
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
app.command()(get.get)
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

sandbox_app = typer.Typer(help="Test servers on this computer that behave like Kimi and GLM.")
app.add_typer(sandbox_app, name="sandbox")


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


def main() -> None:
    """Run one verb; ends the process with its exit code."""
    app()
