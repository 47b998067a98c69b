"""Calls, results and events of `UploadService` as lines of JSON.

The types come from the protocol itself, so a new method needs nothing here. Text that is not
UTF-8 (names with surrogate escapes) survives, because JSON is written in ASCII.
"""

from __future__ import annotations

import inspect
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import Event
from exai_desktop.core.service import METHODS
from exai_desktop.engine.ipc.plain_values import plain, typed

if TYPE_CHECKING:
    from pydantic import TypeAdapter

# The longest line: the extracted text of a large document.
MAX_LINE: Final = 64 * 1024 * 1024

_EVENTS: Final = {kind.__name__: kind for kind in get_args(Event)}


def pipe_name(address: Path) -> str:
    """Where Windows has no sockets of this kind."""
    return rf"\\.\pipe\exai-desktop-{str(address).replace(chr(92), '-').replace(':', '')}"


@cache
def hints_of(method: str) -> dict[str, Any]:
    """The types of a method's arguments and of its result (`return`)."""
    # The protocol names the settings' for type checkers only: see there.
    return get_type_hints(METHODS[method], localns=_LateNames())


class _LateNames(dict[str, Any]):
    """Names that the protocol does not import; what has them is loaded when one is looked up."""

    def __missing__(self, name: str) -> Any:
        if name not in ("Settings", "RuleReport", "SettingsImport"):
            raise KeyError(name)
        from exai_desktop.core import settings

        return getattr(settings, name)


@cache
def _adapters(method: str) -> dict[str, TypeAdapter[Any]]:
    """For the owner, which judges what others say."""
    from pydantic import TypeAdapter  # late: a process that only asks does without

    return {name: TypeAdapter(hint) for name, hint in hints_of(method).items()}


@cache
def _event_adapter(name: str) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # late, as above

    return TypeAdapter(_EVENTS[name])


def _line(value: object) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"


def encode_call(method: str, args: tuple[object, ...], kwargs: dict[str, object]) -> bytes:
    bound = inspect.signature(METHODS[method]).bind(None, *args, **kwargs).arguments
    given = {name: plain(value) for name, value in bound.items() if name != "self"}
    return _line({"call": method, "args": given})


def decode_call(line: bytes) -> tuple[str, dict[str, object]]:
    """Raises ValueError (pydantic's included), TypeError or KeyError for what is no call."""
    try:
        request = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(request, dict) or not isinstance(request.get("args"), dict):
        raise TypeError("not a call")
    method = request["call"]
    if method == "events":
        return method, {}
    if method not in METHODS:
        raise ValueError("unknown call")
    adapters = _adapters(method)
    return method, {k: adapters[k].validate_python(v) for k, v in request["args"].items()}


EVENTS_CALL: Final = _line({"call": "events", "args": {}})


def encode_result(method: str, value: object) -> bytes:
    adapter = _adapters(method)["return"]
    return _line({"result": adapter.dump_python(value, mode="json")})


def encode_error(error: AppError) -> bytes:
    return _line(
        {"error": {"code": error.code, "detail": error.detail, "retry_after": error.retry_after}}
    )


def decode_result(method: str, line: bytes) -> Any:
    """The method's value; raises the `AppError` the other side met."""
    answer = json.loads(line)
    if "error" in answer:
        error = answer["error"]
        raise AppError(ErrorCode(error["code"]), error["detail"], retry_after=error["retry_after"])
    return typed(hints_of(method)["return"], answer["result"])


def encode_event(event: Event) -> bytes:
    name = type(event).__name__
    return _line({"event": name, "value": _event_adapter(name).dump_python(event, mode="json")})


def decode_event(line: bytes) -> Event:
    message = json.loads(line)
    event: Event = typed(_EVENTS[message["event"]], message["value"])
    return event
