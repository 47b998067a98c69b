"""What one account holds never stands in the way of another account's contents."""

import hashlib
from pathlib import Path

from exai_desktop.core.jobs.claims import ClaimKey
from exai_desktop.storage.fleet.content_locks import ContentLocks

HELD, TRIED = 20, 400


def key(account: str, number: int) -> ClaimKey:
    sha256 = hashlib.sha256(f"{account} {number}".encode()).hexdigest()
    return ClaimKey(f"https://{account}.invalid/v1", "ab" * 4, "file-extract", sha256)


def test_accounts_do_not_hold_each_other_up(tmp_path: Path) -> None:
    locks = ContentLocks(tmp_path, "one")
    held = [hold for n in range(HELD) if (hold := locks.hold(key("slow", n))) is not None]
    for number in range(TRIED):
        hold = locks.hold(key("quick", number))
        assert hold is not None, "held up by another account"
        hold.release()
    for hold in held:
        hold.release()
