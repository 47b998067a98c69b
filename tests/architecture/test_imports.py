"""Every module can be imported, and starting loads only what the start needs."""

import json
import subprocess
import sys

import pytest

from .source_tree import ROOT, module_names

IMPORT_ALL = """
import importlib, json, sys, traceback
broken = {}
for name in json.load(sys.stdin):
    try:
        importlib.import_module(name)
    except BaseException:
        broken[name] = traceback.format_exc(limit=-3)
print(json.dumps(broken))
"""

LOADED = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))
"""

QT = {"PySide6", "shiboken6", "qasync"}
SERVERS = {"starlette", "uvicorn", "multipart", "python_multipart"}
SDKS = {"openai", "zai"}
LINE = {"httpx", "httpcore", "truststore", "postgrest", "supabase_auth"}
STORES = {"sqlite3", "sqlite_utils", "redis"}
SECRETS = {"keyring", "cryptography"}
FILES = {"psutil", "PIL", "pillow_heif", "pypdf", "olefile", "charset_normalizer", "watchfiles"}
EXTRAS = SDKS | {"redis", "PIL", "pillow_heif", "prometheus_client"}

HEAVY = QT | SERVERS | SDKS | LINE | STORES | SECRETS | FILES

# "exai-desktop --help" must not pay for the window, the servers, the line or the database.
BUDGETS = {
    "exai_desktop.core": HEAVY | {"typer", "rich"},
    "exai_desktop.__main__": HEAVY,
    "exai_desktop.cli.main": HEAVY | {"asyncio", "pydantic", "rich"},
    "exai_desktop.bootstrap": QT | SERVERS | EXTRAS,
    "exai_desktop.gui.app": SERVERS | EXTRAS,
}


def _run(code: str, *arguments: str, stdin: str = "") -> str:
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, timeout=240, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_imports() -> None:
    broken: dict[str, str] = json.loads(_run(IMPORT_ALL, stdin=json.dumps(module_names())))
    assert not broken, "\n".join(f"{name}: {error}" for name, error in broken.items())


@pytest.mark.parametrize("module", BUDGETS)
def test_import_budget(module: str) -> None:
    modules = [module]
    if module == "exai_desktop.core":  # a floor of many rooms, none of which is the entry
        modules += [name for name in module_names() if name.startswith(f"{module}.")]
    loaded: list[str] = json.loads(_run(LOADED, *modules))
    too_much = sorted(BUDGETS[module] & set(loaded))
    assert not too_much, (
        f"importing {module} loads {too_much}; import these where they are first used"
    )
