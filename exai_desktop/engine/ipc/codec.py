"""Calls, results and events of `UploadService` as lines of JSON.

The types come from the protocol itself, so a new method needs nothing here. Text that is not
UTF-8 (names with surrogate escapes) survives, because JSON is written in ASCII.
"""

from __future__ import annotations

import inspect
import json
from functools import cache
from typing import Any, Final, get_args, get_type_hints

from pydantic import TypeAdapter

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import Event
from exai_desktop.core.service import METHODS
from exai_desktop.core.settings import RuleReport, Settings

_EVENTS: Final = {kind.__name__: kind for kind in get_args(Event)}


@cache
def _signature(method: str) -> tuple[inspect.Signature, dict[str, TypeAdapter[Any]]]:
    hints = {name: TypeAdapter(hint) for name, hint in hints_of(method).items()}
    return inspect.signature(METHODS[method]), hints


def hints_of(method: str) -> dict[str, Any]:
    """The types of a method's arguments and of its result (`return`)."""
    # The protocol names these for type checkers only: see there.
    return get_type_hints(METHODS[method], localns={"Settings": Settings, "RuleReport": RuleReport})


@cache
def _event_adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_EVENTS[name])


def _line(value: object) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"


def encode_call(method: str, args: tuple[object, ...], kwargs: dict[str, object]) -> bytes:
    signature, adapters = _signature(method)
    bound = signature.bind(None, *args, **kwargs).arguments
    return _line(
        {
            "call": method,
            "args": {
                name: adapters[name].dump_python(value, mode="json")
                for name, value in bound.items()
                if name != "self"
            },
        }
    )


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
    _, adapters = _signature(method)
    return method, {k: adapters[k].validate_python(v) for k, v in request["args"].items()}


EVENTS_CALL: Final = _line({"call": "events", "args": {}})


def encode_result(method: str, value: object) -> bytes:
    adapter = _signature(method)[1]["return"]
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
    return _signature(method)[1]["return"].validate_python(answer["result"])


def encode_event(event: Event) -> bytes:
    name = type(event).__name__
    return _line({"event": name, "value": _event_adapter(name).dump_python(event, mode="json")})


def decode_event(line: bytes) -> Event:
    message = json.loads(line)
    event: Event = _event_adapter(message["event"]).validate_python(message["value"])
    return event
