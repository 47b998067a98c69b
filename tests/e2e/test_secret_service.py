"""The keyring that other tests rely on is a real one; that of this person is out of reach."""

import os
import subprocess
import sys
from pathlib import Path

STORE = "import keyring; keyring.set_password('exai-desktop', 'main', 'sk-密钥-1')"
READ = "import keyring; print(ascii(keyring.get_password('exai-desktop', 'main')))"
WHICH = "import keyring; print(type(keyring.get_keyring()).__module__)"


def _python(code: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(
        command,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_one_process_finds_what_another_stored(secret_service: dict[str, str]) -> None:
    assert _python(WHICH, secret_service) == "keyring.backends.SecretService"
    _python(STORE, secret_service)
    assert _python(READ, secret_service) == ascii("sk-密钥-1")
    # On disk, and not in clear.
    keyrings = list(Path(secret_service["XDG_DATA_HOME"]).glob("keyrings/*.keyring"))
    assert keyrings
    assert not any("密钥".encode() in file.read_bytes() for file in keyrings)


def test_without_the_fixture_there_is_no_keyring() -> None:
    assert _python(WHICH, {}) == "keyring.backends.fail"
