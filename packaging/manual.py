"""The manual page of `exai-desktop`, from what the commands say of themselves."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from release import ROOT, commit_time, version

sys.path.insert(0, str(ROOT))  # for the program itself

from typer.main import get_command

from exai_desktop.cli.main import app

_FRONT = """\
.TH EXAI\\-DESKTOP 1 "{date}" "exai\\-desktop {version}" "User Commands"
.SH NAME
exai\\-desktop \\- upload files to Kimi and GLM and keep a list of their file IDs
.SH SYNOPSIS
.B exai\\-desktop
[\\fB\\-\\-sandbox\\fR] [\\fB\\-\\-minimized\\fR]
.br
.B exai\\-desktop
.I COMMAND
[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]
.br
.B exai\\-desktop \\-\\-self\\-test
.SH DESCRIPTION
Uploads documents to Kimi (Moonshot) and GLM (Z.ai, BigModel), shows the ID with which a model can
use each file, and keeps a reliable list of all of them. Without a command the window is opened:
.B \\-\\-sandbox
with the built\\-in test servers, for which no key is needed,
.B \\-\\-minimized
as an icon.
.PP
.B \\-\\-self\\-test
checks that all parts of the installation are there and work.
"""
_BACK = """\
.SH EXIT STATUS
.TP
.B 0
All files are done, already uploaded, or were skipped.
.TP
.B 1
Some files are not, or a check has failed.
.TP
.B 2
The command line was not understood.
.TP
.B 130
Interrupted. Unfinished files stay in the queue.
.SH ENVIRONMENT
.TP
.B EXAI_DESKTOP_HOME
The folder of the profile, instead of those below.
.TP
.B EXAI_DESKTOP_PASSPHRASE_FILE
A file with the passphrase of the vault, for computers without a keyring.
.TP
.BI EXAI_DESKTOP_ NAME
A setting, for this run only: see \\fBexai\\-desktop setting list\\fR.
.SH FILES
.TP
.I ~/.local/share/exai\\-desktop
The queue, the list of files and, where it is used, the vault.
.TP
.I ~/.config/exai\\-desktop
The settings.
.TP
.I ~/.local/state/exai\\-desktop
The logs.
"""


def manual() -> str:
    """In the language of man(7)."""
    date = datetime.fromtimestamp(commit_time(), UTC).strftime("%Y-%m-%d")
    lines = [_FRONT.format(date=date, version=version()), ".SH COMMANDS"]
    group: Any = get_command(app)
    context = group.make_context("exai-desktop", [], resilient_parsing=True)
    for name in group.list_commands(context):
        lines += _command(name, group.get_command(context, name), context)
    return "\n".join([*lines, _BACK])


def _command(path: str, command: Any, parent: Any) -> Iterator[str]:
    context = type(parent)(command, info_name=path, parent=parent)
    below = getattr(command, "commands", {})
    if below:
        for name in command.list_commands(context):
            yield from _command(f"{path} {name}", command.get_command(context, name), context)
        if not command.invoke_without_command:
            return
    usage = command.collect_usage_pieces(context)
    # Braces: it must be given. The manuals of other programs show that by nothing.
    pieces = [
        piece.replace("{", "").replace("}", "").upper() for piece in usage if piece != "[OPTIONS]"
    ]
    yield f".SS {_plain(' '.join([path, *pieces]))}"
    yield _plain(" ".join((command.help or "").split()))
    for option in command.get_params(context):
        record = option.get_help_record(context)
        if record is None or "--help" in option.opts:
            continue
        yield ".TP"
        yield f".B {_plain(record[0])}"
        yield _plain(" ".join(record[1].split())) or "\\&"


def _plain(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
