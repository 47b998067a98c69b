"""The command line's entry: the verbs, and what they may open.

The module of a verb is imported when the verb is called, and `bootstrap` when it runs: to read
the options of thirty verbs takes longer than to carry out most of them.
"""

from __future__ import annotations

import functools
import importlib
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_command_from_info, get_group
from typer.models import CommandInfo

from exai_desktop import __version__
from exai_desktop.cli.doors import (
    PASSPHRASE_FILE,
    BackupDoors,
    DiagnosticsDoors,
    Doors,
    SecretDoors,
)

if TYPE_CHECKING:
    pass

# In the order of `--help`: a verb, or a `typer.Typer` of several, by its place in this package, and
# what it does, as its own help says: to ask the verbs themselves would import all of them.
VERBS: Final = {
    "upload": (
        "jobs.upload:upload",
        "Upload files and folders, wait for them, print their file IDs.",
    ),
    "list": ("jobs.jobs:list_jobs", "List the files in the queue with their state, newest first."),
    "show": ("jobs.jobs:show", "Show everything about one file, with its attempts and history."),
    "retry": (
        "jobs.jobs:retry",
        "Put files back into the queue. The window or the next `upload` sends them.",
    ),
    "move": (
        "jobs.moving:move",
        "Change the order of sending: files that wait go first, last, or beside another one.",
    ),
    "cancel": ("jobs.jobs:cancel", "Cancel files that are not at a provider yet."),
    "delete": (
        "files.at_provider:delete",
        "Delete files at the provider. Their entries here stay.",
    ),
    "content": ("files.at_provider:content", "Print the text the provider read from a file."),
    "get": (
        "files.get:get",
        "Print the file ID of an uploaded file. Exit code 1 if no ID works any more.",
    ),
    "receipt": (
        "jobs.receipt:receipt",
        "Show what became of the files added at once: sent, where, not sent and why. With all IDs.",
    ),
    "settle": (
        "jobs.jobs:settle",
        "Decide about an uncertain file: use the file at the provider, or send it again.",
    ),
    "pause": (
        "jobs.pausing:pause",
        "Pause all uploads until `resume`. Uploads in progress finish.",
    ),
    "resume": (
        "jobs.pausing:resume",
        "Resume uploads, also if battery or network paused them.",
    ),
    "files": (
        "files.files:files",
        "List the files at the providers as last known, newest first. `reconcile` asks again.",
    ),
    "history": (
        "files.history:app",
        "List every file that was sent, failed, was refused or cancelled, newest first.",
    ),
    "clear": (
        "files.history:clear",
        "Clear finished files from the queue. The history keeps them.",
    ),
    "search": (
        "files.files:search",
        "Find files by name, ID or hash, and by the texts you have opened with `content`.",
    ),
    "import": (
        "files.files:import_files",
        "Add files to the list that were not uploaded by this app. Their content stays unknown.",
    ),
    "verify": (
        "files.remote:verify",
        "Check that every uploaded file is still at its provider. Exit code 1 if one is not.",
    ),
    "reconcile": (
        "files.remote:reconcile",
        "Compare the local list with the files at the providers, and show the differences.",
    ),
    "doctor": ("doctor:doctor", "Check the installation and the connection of every account."),
    "diagnostics": (
        "doctor:diagnostics",
        "Show a report for somebody who helps you, without names and keys. Nothing is sent.",
    ),
    "health": (
        "accounts.health:health",
        "Show how each provider answered recently, without a new request.",
    ),
    "explain": (
        "jobs.explain:explain_error",
        "Explain an error: what happened, what to do, and whether it is retried automatically.",
    ),
    "account": ("accounts.accounts:app", "Accounts at the providers."),
    "audit": ("audit:app", "The audit trail: which files were sent, deleted and refused."),
    "stats": ("activity:stats", "Show the uploads, failures and bytes of each day."),
    "rule": ("accounts.rules:app", "Rules for folders: which providers may get their files."),
    "watch": ("watch:app", "Watched folders: their new files are sent by themselves."),
    "setting": ("settings.settings:app", "Settings of the program."),
    "backup": ("backup:app", "Backups: one file with the record, the settings and the accounts."),
    "restore": (
        "backup:restore",
        "Make a backup the profile of this computer. The present profile is kept beside it.",
    ),
    "vault": ("vault:app", "The encrypted file with the keys, for computers without a keyring."),
    "login": ("sign_in:login", "Sign in to your Supabase project."),
    "logout": (
        "mirror:logout",
        "Sign out. What still waits for the project is kept until you sign in again.",
    ),
    "sync": (
        "mirror:app",
        "Send to your Supabase project what waits, and fetch what is new there.",
    ),
    "supabase": (
        "supabase:app",
        "Records of your uploads in a Supabase project of your own.",
    ),
    "profile": ("vault:profile_app", "Which profile lives on after its folder was copied."),
    "update": (
        "update:update",
        "Show this version, and with --check whether there is a newer one. Installs nothing.",
    ),
    "integrate": (
        "settings.integrate:app",
        "Entries in the menus of the file managers: upload what is selected there.",
    ),
    "sandbox": ("sandbox:app", "Test servers on this computer that behave like Kimi and GLM."),
}
# Verbs that open no profile.
_WITHOUT_PROFILE: Final = frozenset({"sandbox", "explain", "supabase", "integrate"})


class _Verbs(TyperGroup):
    """Each verb is imported when it is asked for."""

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        # By these names a mistyped one is told.
        self.commands.update(dict.fromkeys(VERBS))  # type: ignore[arg-type]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        verb = getattr(importlib.import_module(f"exai_desktop.cli.{module}"), name)
        if isinstance(verb, typer.Typer):
            command: Any = get_group(verb)
            command.name = cmd_name
        else:
            command = get_command_from_info(
                CommandInfo(cmd_name, callback=verb),
                pretty_exceptions_short=True,
                rich_markup_mode=None,
            )
        _make_plain(command)
        if cmd_name not in _WITHOUT_PROFILE:
            _give_passphrase_option(command)
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in VERBS.items()])


def _make_plain(command: Any) -> None:
    """Help without frames and colours: what draws them takes longer to load than all the rest."""
    command.rich_markup_mode = None
    for below in getattr(command, "commands", {}).values():
        _make_plain(below)


def _note_passphrase_file(ctx: typer.Context, value: Path | None) -> None:
    ctx.meta[PASSPHRASE_FILE] = value


def _give_passphrase_option(command: Any) -> None:
    """Each verb that opens a profile takes `--passphrase-file`: one place instead of thirty."""
    below = getattr(command, "commands", None)
    if below:
        for each in below.values():
            _give_passphrase_option(each)
    if not below or command.invoke_without_command:
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
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _late(name: str) -> Callable[..., Any]:
    """A function of `bootstrap`, imported when it is called: it may bring the whole engine."""

    def call(*arguments: Any, **named: Any) -> Any:
        from exai_desktop import bootstrap

        return getattr(bootstrap, name)(*arguments, **named)

    return call


def _doors() -> Doors:
    open_service, serve = _late("open_service"), _late("serve_sandbox")
    for_stdin, new_passphrase = _late("place_for_stdin"), _late("new_passphrase")
    return Doors(
        open_service=lambda sandbox, given: open_service(sandbox=sandbox, passphrase=given),
        serve_sandbox=lambda *given: serve(*given[:3], exit_with_stdin=given[3]),
        place_for_stdin=lambda sandbox: for_stdin(sandbox=sandbox),
        secrets=SecretDoors(
            passphrase=_late("passphrase_for"),
            new_passphrase=lambda *given: new_passphrase(*given[:3], for_new_vault=given[3]),
            settle_copy=_late("settle_copy"),
            read=_late("read_passphrase"),
        ),
        signature_fits=_late("signature_fits"),
        backups=BackupDoors(
            verify=_late("verify_backup"),
            present_profile=_late("present_profile"),
            restore=_late("restore_backup"),
        ),
        diagnostics=DiagnosticsDoors(make=_late("make_report"), save=_late("save_report")),
        resource=_late("resource_path"),
        file_managers=_late("file_managers"),
    )


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"exai-desktop {__version__}")
        raise typer.Exit


def _refuse_self_test(wanted: bool) -> None:
    """`__main__` carries it out, before the command line is loaded."""
    if wanted:
        raise typer.BadParameter("it must be the first word")


@app.callback()
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
    _self_test: Annotated[
        bool,
        typer.Option(
            "--self-test",
            callback=_refuse_self_test,
            is_eager=True,
            help="Check that all parts of this installation are there and work.",
        ),
    ] = False,
) -> None:
    ctx.obj = _doors()


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    """Run one verb; ends the process with its exit code."""
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            # What ends a process at its end, such as a call of the keyring, is waited for.
            signal.signal(number, _end)
    # On Windows click would replace `~`, variables and patterns once more.
    app(prog_name="exai-desktop", windows_expand_args=False)
