"""What can happen in a history, as values that Hypothesis makes and shrinks."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from .network import Fate
from .user_files import CHANGES

# Many places for few names: files that a list cannot tell apart are the rule here.
FOLDERS = "abcdefgh"
NAMES = ("scan.txt", "note.txt", "list.csv")
_WORDS = [("first", 40), ("second", 40), ("third", 40), ("long", 90), ("short", 5)]
# Those from number 5 on are fresh: without them nearly everything would be a twin.
_FRESH = [(f"no {number}", 40 if number % 3 else 5) for number in range(30)]
CONTENTS = tuple(f"{word:<8}{'text ' * lines}\n".encode() for word, lines in (*_WORDS, *_FRESH))
STEPS = 40


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
_folder = st.integers(0, len(FOLDERS) - 1)
_name = st.integers(0, len(NAMES) - 1)
_content = st.one_of(st.integers(0, 4), st.integers(5, len(CONTENTS) - 1))
_add = st.builds(
    Add,
    st.lists(st.tuples(_folder, _name, _content), min_size=1, max_size=4).map(tuple),
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
_change = st.builds(Change, _folder, _name, st.sampled_from(CHANGES), st.booleans())
_fates = st.builds(
    Fates,
    _account,
    st.lists(st.sampled_from(Fate), min_size=1, max_size=4).map(tuple),
)
_lists = st.builds(
    Lists, _account, st.sampled_from(("fail", "lag", "unsupported", "deletes fail", "well", "well"))
)
_disk = st.builds(Disk, st.sampled_from(("full", "room", "room", "fail 1", "fail 3")))
_clock = st.builds(Clock, st.sampled_from((-86_400.0, 86_400.0, -600.0, 600.0)))
_restart = st.builds(Restart, st.sampled_from((False, False, True)))
_stranger = st.builds(Stranger, _account, _few)

# How often each comes in forty steps: more of what keeps the engine busy, less of what stops it.
# Not by `one_of`, which takes a strategy named twice for one.
_KINDS: tuple[tuple[st.SearchStrategy[Action], int], ...] = (
    (_add, 9),
    (_wait, 13),
    (_fates, 5),
    (_command, 5),
    (_change, 2),
    (_restart, 2),
    (_lists, 1),
    (_disk, 1),
    (_clock, 1),
    (_stranger, 1),
)
_BY_WEIGHT = [number for number, (_, weight) in enumerate(_KINDS) for _ in range(weight)]


@st.composite
def _histories(draw: st.DrawFn) -> list[Action]:
    kinds = draw(st.lists(st.sampled_from(_BY_WEIGHT), min_size=STEPS, max_size=STEPS))
    # Something to work on first: what follows would otherwise often meet nobody.
    return [draw(_add), *(draw(_KINDS[kind][0]) for kind in kinds)]


histories = _histories()
