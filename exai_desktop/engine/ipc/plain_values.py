"""Values of the protocol as JSON has them, and back, by their types.

For the process that asks: it believes the owner of the profile, so nothing is judged here, and
pydantic, which would take longer to load than the whole verb does, is not needed. The owner
judges what it is asked; see `codec.decode_call`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

Read = Callable[[Any], Any]


def plain(value: Any) -> Any:
    """As `json.dumps` takes it."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {plain(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [plain(each) for each in value]
    raise TypeError(f"no value of the protocol: {type(value).__name__}")


def typed(hint: Any, value: Any) -> Any:
    """The value that was written by `plain`, or by pydantic, for this type.

    Raises ValueError, KeyError, TypeError or AttributeError for what is no such value.
    """
    read = _reader(hint)
    return value if read is None else read(value)


@cache
def _reader(hint: Any) -> Read | None:
    """None: it is the same in JSON."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _optional([each for each in inner if each is not NoneType])
    if origin is tuple:
        return _tuple(inner)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(*inner)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        each = _reader(inner[0])
        return list if each is None else lambda values: [each(value) for value in values]
    if hint is float or (isinstance(hint, type) and issubclass(hint, Enum)):
        read: Read = hint
        return read
    if dataclasses.is_dataclass(hint):
        return _record(hint)
    # A pydantic model: whoever asked for one has loaded pydantic.
    model: Read | None = getattr(hint, "model_validate", None)
    return model


def _optional(kinds: list[Any]) -> Read | None:
    # Of several kinds JSON itself tells which one it is.
    read = _reader(kinds[0]) if len(kinds) == 1 else None
    return None if read is None else lambda value: None if value is None else read(value)


def _tuple(inner: tuple[Any, ...]) -> Read:
    if len(inner) == 2 and inner[1] is Ellipsis:
        each = _reader(inner[0])
        return tuple if each is None else lambda values: tuple([each(value) for value in values])
    kinds = [_reader(kind) for kind in inner]

    def read(values: Any) -> Any:
        pairs = zip(kinds, values, strict=True)
        return tuple([value if kind is None else kind(value) for kind, value in pairs])

    return read


def _mapping(key: Any, value: Any) -> Read:
    read_key, read_value = _reader(key) or _same, _reader(value) or _same
    return lambda found: {read_key(k): read_value(v) for k, v in found.items()}


def _same(value: Any) -> Any:
    return value


def _record(kind: Any) -> Read:
    hints = get_type_hints(kind)
    own = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}

    def read(values: Any) -> Any:
        # What a newer program says besides is left out.
        given = {name: value for name, value in values.items() if name in own}
        for name, value in given.items():
            field = own[name]
            if field is not None:
                given[name] = field(value)
        return kind(**given)

    return read
