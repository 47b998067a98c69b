"""Broken settings files and environments: bad values are named problems, never an exception."""

import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

from exai_desktop.config.settings.document import SettingsDocument
from exai_desktop.config.settings.file import ENV_PREFIX, SettingsAccountBook, SettingsFile
from exai_desktop.core.settings import Settings

from . import mutation

_NAMES = tuple(Settings.model_fields)
# Parts the file from the environment; in neither of them does it mean anything.
_CUT = b"\xfe\xfe"
_ACCOUNT = {"name": "a", "provider": "kimi", "region": "intl", "base_url": "https://host/v1"}
_WORDS = (
    *(_CUT, b"\xff", b"\xed\xa0\x80"),
    *(
        word.encode()
        for word in (
            *("null", "true", "[]", "{}", "NaN", "-Infinity", "-1", "0", "1e400", "9" * 5000, '""'),
            *(f'"{name}":' for name in _NAMES),
            *('"version":', '"settings":', '"accounts":', '"name":', '"enabled":', '"order":'),
            *(
                "\ufeff",
                "[" * 2000,
                '"\\ud800"',
                "\0",
                "\n",
                "=",
                "inf",
                "nan",
                "1_0",
                " 5 ",
                "1e3",
            ),
        )
    ),
)


def starts() -> list[bytes]:
    """A file each with one setting, with all and with accounts, and what is set beside them."""
    defaults = Settings.model_validate({}).model_dump()
    files = [
        {"version": 1, "settings": defaults, "accounts": [_ACCOUNT, _ACCOUNT]},
        {"version": 2, "settings": {"no_such": 1}, "accounts": [5, {"name": "b"}]},
        {"version": 1, "settings": {}, "accounts": [{**_ACCOUNT, "max_in_flight": 99}]},
        *({"settings": {name: value}} for name, value in defaults.items()),
    ]
    lines = [f"{name}={value}".encode() for name, value in defaults.items()]
    wholes = [json.dumps(form).encode() for form in files]
    return [
        *(whole + _CUT + lines[number % len(lines)] for number, whole in enumerate(wholes)),
        *(b"{}" + _CUT + line for line in lines),
        b"{}" + _CUT + b"\n".join(lines),
    ]


def check(data: bytes) -> None:
    """Before the cut the file, after it `NAME=value` lines of the environment."""
    content, _, environment = data.partition(_CUT)
    folder = _folder()
    file = folder / "settings.json"
    file.write_bytes(content)
    document = SettingsDocument(file)
    settings = SettingsFile(document, _environment(environment))
    first = settings.load()
    for problem in first.problems:
        name, colon, reason = problem.detail.partition(": ")
        assert problem.code in {"INVALID_SETTING", "UNUSABLE_SETTING"}
        assert name and colon and reason, problem.detail
    # What is in force is a whole set of good values: it passes its own check.
    assert Settings.model_validate(first.settings.model_dump()) == first.settings
    assert settings.load().settings == first.settings
    SettingsAccountBook(document).load()
    for left in folder.iterdir():
        left.unlink()


def _environment(lines: bytes) -> dict[str, str]:
    found = {}
    for line in lines.split(b"\n"):
        name, _, value = line.decode("utf-8", "surrogateescape").partition("=")
        found[f"{ENV_PREFIX}{name.upper()}"] = value
    return found


@cache
def _folder() -> Path:
    """In memory where the system has that: the disk's speed is not what is tried here."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="exai-fuzz-", dir=memory if memory.is_dir() else None))


def run(seconds: float, number: int) -> int:
    try:
        return mutation.run(check, starts(), _WORDS, seconds, number)
    finally:
        shutil.rmtree(_folder(), ignore_errors=True)
        _folder.cache_clear()
