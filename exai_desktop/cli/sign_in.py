"""The verb `login`: by password, by a link or a code that is mailed, or in the browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from exai_desktop.cli.doors import doors
from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.mirror import exit_of, print_status
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import can_ask, errors_told, hidden, meanwhile, run_verb
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry, SignInWay, waiting_lines
from exai_desktop.core.mirror.status import MirrorState, MirrorStatus
from exai_desktop.core.service import UploadService

VARIABLE: Final = "EXAI_DESKTOP_SUPABASE_PASSWORD"
# Who types a code at the terminal may mistype it.
_TRIES: Final = 3


def login(  # noqa: PLR0913, PLR0917 - one for each option of the verb
    ctx: typer.Context,
    url: Annotated[
        str, typer.Argument(help="The project URL: https://name.supabase.co.", show_default=False)
    ],
    key: Annotated[
        str,
        typer.Option(help="The publishable key: sb_publishable_…. Never a secret key."),
    ],
    email: Annotated[
        str, typer.Option(help="Your e-mail address in the project.", show_default=False)
    ] = "",
    password_file: Annotated[
        Path | None,
        typer.Option(help="Read the password from this file.", show_default=False),
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Without a password: by a link that is mailed to you.")
    ] = False,
    code: Annotated[
        bool, typer.Option("--code", help="Without a password: by a code that is mailed to you.")
    ] = False,
    code_stdin: Annotated[
        bool, typer.Option("--code-stdin", help="As --code; read it from standard input.")
    ] = False,
    oauth: Annotated[
        str,
        typer.Option(help="In the browser, at google, github and so on.", show_default=False),
    ] = "",
    as_json: Json = False,
) -> None:
    """Sign in to your Supabase project. From then on, changes are recorded there as well."""
    output = Output(as_json=as_json)
    way = _way(link=link, code=code or code_stdin, oauth=oauth)
    if way is not None and (password_file or password_stdin):
        raise typer.BadParameter("give either a password or another way to sign in")
    if not email and way is not SignInWay.OAUTH:
        raise typer.BadParameter("give your address with --email")
    password = _password(ctx, password_file, output, from_stdin=password_stdin) if not way else ""

    async def verb(service: UploadService, output: Output) -> Exit:
        if way is None:
            status = await service.mirror.sign_in(url, key, email, password)
        else:
            request = SignInRequest(url, key, way, email, oauth)
            status = await _without_password(service, request, output, from_stdin=code_stdin)
        print_status(status, output)
        if status.state is MirrorState.SIGNED_IN:
            await service.mirror.sync_now()
            if not as_json:
                output.line("What was recorded here until now is in the project.")
        return exit_of(status)

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


def _way(*, link: bool, code: bool, oauth: str) -> SignInWay | None:
    """None: by password."""
    asked = {SignInWay.LINK: link, SignInWay.CODE: code, SignInWay.OAUTH: bool(oauth)}
    ways = [way for way, is_asked in asked.items() if is_asked]
    if len(ways) > 1:
        raise typer.BadParameter("give one of --link, --code and --oauth")
    return ways[0] if ways else None


def _password(ctx: typer.Context, file: Path | None, output: Output, *, from_stdin: bool) -> str:
    """Never from the command line: other users of the computer can read that."""
    given = os.environ.pop(VARIABLE, "")
    if from_stdin:
        found = sys.stdin.readline().rstrip("\r\n")
    elif file is not None:
        with errors_told(output):
            found = doors(ctx).secrets.read(file, "--password-file")
    elif given:
        found = given
    elif can_ask():
        found = hidden("Password: ")
    else:
        raise typer.BadParameter(
            "there is no terminal to ask for the password;"
            f" use --password-stdin, --password-file or {VARIABLE}, or --link"
        )
    if not found:
        raise typer.BadParameter("the password is empty")
    return found


async def _without_password(
    service: UploadService, request: SignInRequest, output: Output, *, from_stdin: bool
) -> MirrorStatus:
    is_code = request.way is SignInWay.CODE
    if is_code and not from_stdin and not can_ask():
        raise typer.BadParameter("there is no terminal to ask for the code; use --code-stdin")
    begun = await service.mirror.begin_sign_in(request)
    try:
        # Not on standard output: that is the result's.
        for line in waiting_lines(begun, request.email):
            output.errors.print(plain_text(line))
        if begun.browser_url:
            _show_page(begun.browser_url, output)
        if is_code:
            return await _by_code(service, begun, output, from_stdin=from_stdin)
        return await service.mirror.finish_sign_in(begun.id)
    finally:
        await service.mirror.give_up_sign_in(begun.id)


async def _by_code(
    service: UploadService, begun: SignInTry, output: Output, *, from_stdin: bool
) -> MirrorStatus:
    for left in reversed(range(1 if from_stdin else _TRIES)):
        code = await meanwhile(_from_stdin if from_stdin else _from_terminal)
        try:
            return await service.mirror.finish_sign_in(begun.id, code)
        except AppError as error:
            if error.code is not ErrorCode.CODE_WRONG or not left:
                raise
            output.errors.print(f"{error.title}. {error.hint}")
    raise AssertionError("the last try returns or raises")


def _from_stdin() -> str:
    return sys.stdin.readline().strip()


def _from_terminal() -> str:
    return str(typer.prompt("Code", err=True))


def _show_page(address: str, output: Output) -> None:
    """The address as well: the browser that opens may be the wrong one."""
    if not _open_browser(address):
        output.errors.print("No browser could be opened. Open this address in one:")
    output.errors.print(plain_text(address))


def _open_browser(address: str) -> bool:
    """By the system's own way, and without a browser of the terminal: that would take it over."""
    if sys.platform == "win32":
        try:
            os.startfile(address)  # noqa: S606 - a page of https alone
        except OSError:
            return False
        return True
    command = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    has_screen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if command is None or not has_screen:
        return False
    try:
        subprocess.Popen(  # noqa: S603 - a page of https alone, not by a shell
            [command, address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
