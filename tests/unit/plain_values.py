"""Hypothesis values for any type that crosses the local socket, found by its annotations."""

import enum
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from exai_desktop.core.jobs.line import BESIDE, LinePlace, Spot
from exai_desktop.core.settings import Settings

# Names that are not UTF-8 come with surrogate escapes.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"]),
    max_size=12,
)

_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    type(None): st.none(),
    LinePlace: st.sampled_from([spot for spot in Spot if spot not in BESIDE]).map(LinePlace)
    | st.builds(LinePlace, st.sampled_from(sorted(BESIDE)), st.integers(0, 2**63 - 1)),
    Settings: st.integers(1, 64).map(lambda number: Settings(max_in_flight=number)),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Everything a caller who keeps to the annotations may hand over."""
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(list(hint))
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return st.builds(hint, **{f.name: values(hints[f.name]) for f in fields(hint)})
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values, arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, arguments))
    if origin in (list, Sequence):
        return st.lists(values(arguments[0]), max_size=3)
    if origin in (dict, Mapping):
        # Keys are our own words or states, never names from outside.
        keys = st.text(max_size=8) if arguments[0] is str else values(arguments[0])
        return st.dictionaries(keys, values(arguments[1]), max_size=3)
    raise TypeError(f"no values for {hint}: add them here")
