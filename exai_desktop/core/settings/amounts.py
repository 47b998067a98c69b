"""Sizes, speeds and durations as people write them: `512 MiB`, `100 kB/s`, `10 min`."""

from __future__ import annotations

import re
from typing import Final

_BYTES: Final = {
    "b": 1, "byte": 1, "bytes": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_SECONDS: Final = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "min": 60, "minute": 60, "minutes": 60,
    "h": 3_600, "hour": 3_600, "hours": 3_600,
    "d": 86_400, "day": 86_400, "days": 86_400,
}  # fmt: skip
# Signs between groups of three only: a comma that means a decimal point must not make it larger.
_AMOUNT: Final = re.compile(
    r"\s*([0-9]{1,3}(?:[,_'][0-9]{3})+|[0-9]+)(\.[0-9]{1,6})?\s*([A-Za-z]*)\s*"
)
_PER_SECOND: Final = re.compile(r"(/\s*s|\s+(a|per)\s+second)\s*$", re.IGNORECASE)
_SPARE: Final = str.maketrans("", "", ",_'")


def is_speed(name: str) -> bool:
    """Whether the setting of this name counts bytes in a second."""
    return name.endswith("bytes_per_s")


def is_size(name: str) -> bool:
    """Whether the setting of this name counts bytes."""
    return name.endswith("_bytes")


def is_duration(name: str) -> bool:
    """Whether the setting of this name counts seconds."""
    return name.endswith("_s") and not is_speed(name)


def read_amount(name: str, text: str) -> str:
    """The figure alone, in the unit of this setting. What is no amount comes back as it is: the
    setting itself says what is wrong with it."""
    if not (is_speed(name) or is_size(name) or is_duration(name)):
        return text
    units = _SECONDS if is_duration(name) else _BYTES
    found = _AMOUNT.fullmatch(_PER_SECOND.sub("", text) if is_speed(name) else text)
    if found is None:
        return text
    whole, part, unit = found.groups()
    if is_speed(name) and unit.endswith("b") and unit != "b":
        return text  # kilobits or kilobytes? The setting asks for a right value
    factor = units.get(unit.lower()) if unit else 1
    if factor is None:
        return text
    # In whole numbers: 0.1 has no exact value as a float.
    digits = (part or ".")[1:]
    value = int(whole.translate(_SPARE) + digits) * factor
    scale = 10 ** len(digits)
    if value % scale == 0:
        return str(value // scale)
    return str(value / scale) if is_duration(name) else text


def shown_amount(name: str, value: float) -> str:
    """As people write it, without rounding: `read_amount` gives the same value back."""
    if is_duration(name):
        return _exact(value, ((86_400, "d"), (3_600, "h"), (60, "min")), "s")
    if is_speed(name):
        return _exact(value, ((10**9, "GB/s"), (10**6, "MB/s"), (10**3, "kB/s")), "bytes/s")
    if is_size(name):
        return _exact(value, ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")), "bytes")
    return str(value)


def _exact(value: float, units: tuple[tuple[int, str], ...], least: str) -> str:
    if value == 0:
        return "0"
    for factor, unit in units:
        if value % factor == 0:
            return f"{int(value // factor):,} {unit}"
    if value == int(value):
        return f"{int(value):,} {least}"
    return f"{value!r} {least}"
