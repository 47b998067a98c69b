"""What can happen in a history, as values that Hypothesis makes and shrinks."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from .network import Fate
from .user_files import CHANGES

FOLDERS = ("a", "b")
NAMES = ("scan.txt", "note.txt", "list.csv")
# 0 to 2 are of one size: a list cannot tell them apart.
CONTENTS = tuple(
    f"{word:<8}{'text ' * lines}\n".encode()
    for word, lines in (("first", 40), ("second", 40), ("third", 40), ("long", 90), ("short", 5))
)


@dataclass(frozen=True)
class Add:
    """Files are written, unless they are there already, and dropped."""

    files: tuple[tuple[int, int, int], ...]  # folder, name, content
    account: str | None
    allow_fallback: bool


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Restart:
    cleanly: bool


@dataclass(frozen=True)
class Command:
    """A verb of the user on one job, counted from the newest; None: on all it is meant for."""

    verb: str
    job: int | None


@dataclass(frozen=True)
class Change:
    """A file changes: now, or right behind the next read."""

    folder: int
    name: int
    how: str
    behind_read: bool


@dataclass(frozen=True)
class Fates:
    account: str
    fates: tuple[Fate, ...]


@dataclass(frozen=True)
class Lists:
    """How the provider answers questions from now on."""

    account: str
    how: str


@dataclass(frozen=True)
class Disk:
    how: str


@dataclass(frozen=True)
class Clock:
    jump_s: float


@dataclass(frozen=True)
class Stranger:
    """Somebody else deletes a file at the provider."""

    account: str
    file: int


Action = Add | Wait | Restart | Command | Change | Fates | Lists | Disk | Clock | Stranger

_account = st.sampled_from(("kimi", "glm"))
_few = st.integers(0, 5)
_add = st.builds(
    Add,
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, len(CONTENTS) - 1)),
        min_size=1,
        max_size=3,
    ).map(tuple),
    st.sampled_from((None, None, "kimi", "glm")),
    st.booleans(),
)
_wait = st.builds(
    Wait, st.sampled_from((0.0, 0.001, 0.004, 0.06, 0.3, 0.7, 2.0, 15.0, 61.0, 125.0, 400.0))
)
_command = st.one_of(
    st.builds(
        Command,
        st.sampled_from(
            ("cancel", "hold", "resume", "retry", "remove", "delete", "settle", "cancel", "hold")
        ),
        _few,
    ),
    st.builds(
        Command,
        st.sampled_from(("pause", "resume", "retry", "remove", "mend")),
        st.none(),
    ),
)
_change = st.builds(
    Change, st.integers(0, 1), st.integers(0, 2), st.sampled_from(CHANGES), st.booleans()
)
_fates = st.builds(
    Fates,
    _account,
    st.lists(
        st.sampled_from([f for f in Fate if f is not Fate.LOST_TOO_LATE]), min_size=1, max_size=4
    ).map(tuple),
)
_lists = st.builds(
    Lists, _account, st.sampled_from(("fail", "lag", "unsupported", "deletes fail", "well", "well"))
)
_disk = st.builds(Disk, st.sampled_from(("full", "room", "room", "fail 1", "fail 3")))
_clock = st.builds(Clock, st.sampled_from((-86_400.0, 86_400.0, -600.0, 600.0)))
_restart = st.builds(Restart, st.sampled_from((False, False, True)))
_stranger = st.builds(Stranger, _account, _few)

# More of what keeps the engine busy, less of what stops it.
_action: st.SearchStrategy[Action] = st.one_of(
    *[_add] * 4, *[_wait] * 5, *[_fates] * 3, *[_command] * 3, *[_restart] * 2, *[_change] * 2,
    _lists, _disk, _clock, _stranger,
)  # fmt: skip

histories = st.lists(_action, min_size=10, max_size=40)
