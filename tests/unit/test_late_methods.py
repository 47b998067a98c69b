"""A class with late methods is the one that the standard library makes."""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import TypeAdapter

import exai_desktop
from exai_desktop.late_methods import initializer, with_late_methods

Maker = Callable[[type], Any]
MAKERS = pytest.mark.parametrize("made", [dataclass(frozen=True, slots=True), with_late_methods])
PACKAGE = Path(exai_desktop.__file__).parent


def _plain(made: Maker) -> Any:
    class Plain:
        number: int
        text: str = "none"
        several: list[int] = field(default_factory=list)
        hidden: str = field(default="h", repr=False, compare=False)
        keyed: int = field(default=7, kw_only=True)
        hashed: int = field(default=1, hash=False)
        fixed: int = field(default=3, init=False)
        made: list[int] = field(default_factory=lambda: [1], init=False)
        known: ClassVar[int] = 5

        def doubled(self) -> int:
            return self.number * 2

        @property
        def is_large(self) -> bool:
            return self.number > 100

    return made(Plain)


class _Late:
    """One that can be pickled: by its place in this module."""

    number: int
    text: str = "none"


Late: Any = with_late_methods(_Late)
Late.__qualname__ = "Late"


@MAKERS
def test_objects_are_made_as_ever(made: Maker) -> None:
    plain = _plain(made)
    one = plain(1)
    assert (one.number, one.text, one.several, one.hidden) == (1, "none", [], "h")
    assert (one.keyed, one.hashed, one.fixed, one.made, one.known) == (7, 1, 3, [1], 5)
    assert plain(1).several is not plain(1).several
    assert plain(1).made is not plain(1).made
    two = plain(2, "two", [4], "x", 9, keyed=8)
    assert (two.text, two.several, two.hidden, two.hashed, two.keyed) == ("two", [4], "x", 9, 8)
    assert plain(number=60).is_large is False
    assert plain(60).doubled() == 120
    for given, named in [((), {}), ((1, 2, 3, 4, 5, 6), {}), ((1,), {"other": 1})]:
        with pytest.raises(TypeError, match="argument"):
            plain(*given, **named)
    with pytest.raises(TypeError, match="argument"):
        plain(1, fixed=4)


@MAKERS
def test_objects_are_equal_hashed_and_shown_as_ever(made: Maker) -> None:
    plain, other = _plain(made), _plain(made)
    # The first call, whichever it is, makes the method.
    assert plain(1, hidden="a") == plain(1, hidden="b")
    assert plain(1) != plain(2)
    assert plain(1, keyed=1) != plain(1, keyed=2)
    assert plain(1) != other(1)
    assert plain(1) != 1
    assert repr(plain(1)).endswith(
        "Plain(number=1, text='none', several=[], keyed=7, hashed=1, fixed=3, made=[1])"
    )
    with pytest.raises(TypeError, match="unhashable"):
        hash(plain(1))

    class Pair:
        left: int
        right: int = field(default=0, hash=False)

    pair = made(Pair)
    assert hash(pair(1, 2)) == hash(pair(1, 3)) == hash((1,))
    assert len({pair(1, 2), pair(1, 2), pair(1, 3)}) == 2


@MAKERS
def test_objects_cannot_be_changed(made: Maker) -> None:
    one = _plain(made)(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'number'"):
        one.number = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'number'"):
        del one.number
    with pytest.raises((FrozenInstanceError, TypeError)):
        one.another = 2
    assert not hasattr(one, "__dict__")


@MAKERS
def test_an_object_that_contains_itself_is_shown(made: Maker) -> None:
    one = _plain(made)(1)
    one.several.append(one)
    assert "several=[...]" in repr(one)


@MAKERS
def test_what_runs_after_the_initializer_runs(made: Maker) -> None:
    class Checked:
        number: int

        def __post_init__(self) -> None:
            if self.number < 0:
                raise ValueError("it is negative")

    checked = made(Checked)
    assert checked(1).number == 1
    with pytest.raises(ValueError, match="negative"):
        checked(-1)


@MAKERS
def test_the_standard_library_and_pydantic_know_it(made: Maker) -> None:
    plain = _plain(made)
    is_known = dataclasses.is_dataclass(plain)
    assert is_known
    names = ["number", "text", "several", "hidden", "keyed", "hashed", "fixed", "made"]
    assert [each.name for each in dataclasses.fields(plain)] == names
    assert dataclasses.replace(plain(1), text="new").text == "new"
    assert dataclasses.asdict(plain(1))["several"] == []
    assert plain.__match_args__ == ("number", "text", "several", "hidden", "hashed")
    assert copy.copy(plain(1, "x")) == plain(1, "x")
    assert copy.deepcopy(plain(1, "x", [2])) == plain(1, "x", [2])
    adapter = TypeAdapter(made(type("Small", (), {"__annotations__": {"n": int, "t": str}})))
    value = adapter.validate_json('{"n": 1, "t": "x"}')
    assert (value.n, value.t) == (1, "x")
    assert json.loads(adapter.dump_json(value)) == {"n": 1, "t": "x"}
    params = plain.__dataclass_params__
    assert (params.frozen, params.eq, params.repr, params.init) == (True, True, True, True)


def test_it_is_pickled() -> None:
    found = pickle.loads(pickle.dumps(Late(4, "x")))
    assert (found.number, found.text) == (4, "x")
    assert found == Late(4, "x")


@MAKERS
def test_a_class_below_it_has_its_methods(made: Maker) -> None:
    base = _plain(made)

    class Below(base):  # type: ignore[misc, valid-type]  # made at run time
        def __init__(self) -> None:
            super().__init__(5)

    assert Below().number == 5
    assert Below() == Below()
    assert Below() != base(5)
    assert repr(Below()).partition("(")[0].endswith("Below")
    with pytest.raises(FrozenInstanceError):
        Below().number = 1


SHOW_ALL = """
import importlib, inspect, json, sys
if sys.argv[1] == "late":
    from exai_desktop import late_methods
    late_methods.install()
import dataclasses
found = {}
for module in sys.argv[2:]:
    loaded = importlib.import_module(module)
    for name, value in vars(loaded).items():
        if not dataclasses.is_dataclass(value) or value.__module__ != module:
            continue
        if sys.argv[1] == "late" and value.__init__.__code__.co_name == "__init__":
            if value.__init__.__code__.co_filename.endswith("late_methods.py"):
                found[f"{module}.{name}"] = "late"
                value.__init__ = late_methods.initializer(value)
        given = inspect.signature(value.__init__).parameters.values()
        shown = [(p.name, p.kind, p.default is not p.empty) for p in given]
        found[f"{module}.{name}"] = [found.get(f"{module}.{name}", ""), shown]
print(json.dumps(found))
"""


def _modules() -> list[str]:
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in ("gui", "__main__", "late_methods") or parts[-1] == "__init__":
            continue
        if "dataclass" in file.read_text("utf-8"):
            found.append(".".join(("exai_desktop", *parts)))
    return found


def _classes(way: str, modules: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-c", SHOW_ALL, way, *modules]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_each_class_of_the_program_takes_what_it_took() -> None:
    modules = _modules()
    late, standard = _classes("late", modules), _classes("standard", modules)
    assert {name: shown for name, (_, shown) in late.items()} == {
        name: shown for name, (_, shown) in standard.items()
    }
    assert sum(way == "late" for way, _ in late.values()) > 150, "it is not installed"


def test_the_entry_installs_it_before_it_loads_a_class() -> None:
    tree = ast.parse((PACKAGE / "__main__.py").read_text("utf-8"))
    main = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "main")
    lines = [ast.unparse(each) for each in main.body]
    assert next(n for n, line in enumerate(lines) if "late_methods.install()" in line) < next(
        # What stands above it is done without `dataclasses`: tests/e2e/test_start.py looks.
        n
        for n, line in enumerate(lines)
        if "pdf_child" in line
    )


def test_the_initializer_is_that_of_the_standard_library() -> None:
    standard = _plain(dataclass(frozen=True, slots=True))
    ours = initializer(_plain(with_late_methods))
    assert list(inspect.signature(ours).parameters) == list(
        inspect.signature(standard.__init__).parameters
    )
