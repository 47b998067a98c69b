"""Dataclasses of the program get their methods when these are first used.

The standard library compiles six methods for each `@dataclass(frozen=True, slots=True)` as soon as
its module is imported. The program has more than two hundred such classes, and to make them took a
third of the time of a short command, which uses some dozens of them. Here a class is made with its
fields and slots only. Its `__init__` is compiled for the first object, the other methods when they
are first called. From then on it is a class as the standard library makes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from reprlib import recursive_repr
from typing import Any, Final

_OURS: Final = "exai_desktop."
# With other options the standard library does everything.
_OPTIONS: Final = {"frozen": True, "slots": True}
# As it does for a class that has a method of these itself.
_MADE: Final = frozenset(
    {
        *("__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__"),
        *("__getstate__", "__setstate__", "__slots__"),
    }
)
_make: Final = dataclasses.dataclass


def install() -> None:
    """For all modules that are imported from now on."""
    dataclasses.dataclass = _dataclass


def _dataclass(cls: Any = None, /, **options: Any) -> Any:
    if cls is None and options == _OPTIONS:
        return _decorated
    return _make(cls, **options)


def _decorated(cls: type) -> type:
    if not cls.__module__.startswith(_OURS) or cls.__bases__ != (object,) or _MADE & {*vars(cls)}:
        return _make(**_OPTIONS)(cls)
    return with_late_methods(cls)


def with_late_methods(cls: type) -> type:
    """What `dataclass(frozen=True, slots=True)` makes of a class without bases."""
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # the library would put it together from the signature
    # Not frozen: its two methods for that would be compiled as well.
    made: Any = _make(init=False, repr=False, eq=False, slots=True)(cls)
    # What the library, and others, look at to know what a class can do.
    for option in ("init", "repr", "eq", "frozen"):
        setattr(made.__dataclass_params__, option, True)
    _be_frozen(made)
    _compile_when_used(made)
    for name, method in _FOR_ALL.items():
        setattr(made, name, method)
    return made  # type: ignore[no-any-return]  # a type, as the one given


def _compile_when_used(cls: Any) -> None:
    def __init__(self: Any, /, *given: Any, **named: Any) -> None:  # noqa: N807 - it is one
        cls.__init__ = initializer(cls)
        cls.__init__(self, *given, **named)

    def __eq__(self: Any, other: object) -> Any:  # noqa: N807 - it is one
        cls.__eq__ = _compiled(cls, "__eq__", _equality(cls))
        return cls.__eq__(self, other)

    def __hash__(self: Any) -> Any:  # noqa: N807 - it is one
        cls.__hash__ = _compiled(cls, "__hash__", _hash(cls))
        return cls.__hash__(self)

    cls.__init__, cls.__eq__, cls.__hash__ = __init__, __eq__, __hash__


def _equality(cls: Any) -> str:
    mine, others = (_values(cls, one, _is_compared) for one in ("self", "other"))
    return (
        "def __eq__(self, other):\n"
        f" if other.__class__ is self.__class__: return {mine} == {others}\n"
        " return NotImplemented"
    )


def _hash(cls: Any) -> str:
    return f"def __hash__(self): return hash({_values(cls, 'self', _is_hashed)})"


def initializer(cls: Any) -> Any:
    """The `__init__` of a class by its fields."""
    shown, named, lines = ["self"], list[str](), list[str]()
    known: dict[str, Any] = {"_set": object.__setattr__}
    for field in dataclasses.fields(cls):
        name, value = field.name, field.name
        default = f"_default_{name}"
        known[default] = field.default
        if field.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"], known[default] = field.default_factory, _MADE_LATER
            value = f"_make_{name}() if {name} is {default} else {name}"
        is_given = known[default] is dataclasses.MISSING
        if field.init:
            part = name if is_given else f"{name}={default}"
            (named if field.kw_only else shown).append(part)
        elif known[default] is _MADE_LATER:
            value = f"_make_{name}()"
        else:
            value = default
        if field.init or not is_given:
            lines.append(f" _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    parameters = ", ".join([*shown, *(["*", *named] if named else [])])
    body = "\n".join(lines) or " pass"
    return _compiled(cls, "__init__", f"def __init__({parameters}):\n{body}", known)


_MADE_LATER: Final = object()


def _compiled(cls: type, name: str, source: str, known: dict[str, Any] | None = None) -> Any:
    found: dict[str, Any] = {}
    exec(source, {} if known is None else known, found)  # noqa: S102 - names of our fields only
    found[name].__qualname__ = f"{cls.__qualname__}.{name}"
    return found[name]


def _values(cls: Any, owner: str, is_wanted: Callable[[dataclasses.Field[Any]], bool]) -> str:
    """Source of the tuple of these values."""
    names = [field.name for field in dataclasses.fields(cls) if is_wanted(field)]
    return f"({''.join(f'{owner}.{name}, ' for name in names)})"


def _is_compared(field: dataclasses.Field[Any]) -> bool:
    return field.compare


def _is_hashed(field: dataclasses.Field[Any]) -> bool:
    return field.compare if field.hash is None else field.hash


def _be_frozen(cls: Any) -> None:
    fields = cls.__dataclass_fields__

    def __setattr__(self: Any, name: str, value: object) -> None:  # noqa: N807 - it is one
        if type(self) is cls or name in fields:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:  # noqa: N807 - it is one
        if type(self) is cls or name in fields:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    cls.__setattr__, cls.__delattr__ = __setattr__, __delattr__


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (
        f"{field.name}={getattr(self, field.name)!r}"
        for field in dataclasses.fields(self)
        if field.repr
    )
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_FOR_ALL: Final = {"__repr__": _repr, "__getstate__": _state, "__setstate__": _set_state}
