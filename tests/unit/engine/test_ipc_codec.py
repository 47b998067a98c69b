"""Lines of the local socket: what goes in comes out, and garbage does no harm."""

import json
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.events import Event, JobChanged
from exai_desktop.core.jobs.jobs import (
    AddOptions,
    JobQuery,
    JobState,
    JobView,
    Origin,
    QueueSummary,
)
from exai_desktop.core.service import METHODS, PARTS, UploadService
from exai_desktop.engine.ipc import codec
from tests.unit.plain_values import TEXT, values

HINTS = {method: codec.hints_of(method) for method in METHODS}
BAD_NAME = "/tmp/caf\udce9 \udcff.txt"

# What the server answers politely; anything else would cost the connection.
POLITE = (ValueError, KeyError, TypeError)

many_values = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])


def test_every_method_of_the_service_can_be_called() -> None:
    own = {name for name in dir(UploadService) if not name.startswith("_")}
    parts = {f"{part}.{name}" for part in PARTS for name in dir(PARTS[part]) if name[0] != "_"}
    assert set(PARTS) < own
    assert (own - set(PARTS)) | parts == METHODS.keys() | {"events"}
    assert codec.decode_call(codec.EVENTS_CALL) == ("events", {})


@pytest.mark.parametrize("method", sorted(METHODS))
@many_values
@given(data=st.data())
def test_arguments_arrive_as_they_were_given(method: str, data: st.DataObject) -> None:
    hints = {k: v for k, v in HINTS[method].items() if k != "return"}
    arguments = {name: data.draw(values(hint), label=name) for name, hint in hints.items()}
    line = codec.encode_call(method, (), arguments)
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii()
    assert codec.decode_call(line) == (method, arguments)


@pytest.mark.parametrize("method", sorted(METHODS))
@many_values
@given(data=st.data())
def test_results_arrive_as_they_were_given(method: str, data: st.DataObject) -> None:
    result = data.draw(values(HINTS[method]["return"]))
    line = codec.encode_result(method, result)
    assert line.count(b"\n") == 1 and line.isascii()
    assert codec.decode_result(method, line) == result


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
@many_values
@given(data=st.data())
def test_events_arrive_as_they_were_published(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(values(kind))
    line = codec.encode_event(event)
    assert line.count(b"\n") == 1 and line.isascii()
    arrived = codec.decode_event(line)
    assert arrived == event
    assert type(arrived) is kind


@given(st.sampled_from(ErrorCode), TEXT, st.none() | st.floats(0, 1e6))
def test_an_error_is_raised_on_the_other_side(
    code: ErrorCode, detail: str, retry_after: float | None
) -> None:
    line = codec.encode_error(AppError(code, detail, retry_after=retry_after))
    with pytest.raises(AppError) as caught:
        codec.decode_result("queue.summary", line)
    assert ErrorView.of(caught.value) == ErrorView.of(
        AppError(code, detail, retry_after=retry_after)
    )


def test_positions_names_and_defaults_are_understood() -> None:
    options = AddOptions(account="a", origin=Origin.CLI)
    line = codec.encode_call("queue.add", (("/a", "/b"),), {"options": options})
    assert codec.decode_call(line) == ("queue.add", {"paths": ["/a", "/b"], "options": options})
    assert codec.decode_call(codec.encode_call("queue.pause", (), {})) == ("queue.pause", {})
    line = codec.encode_call("queue.retry", ([1],), {"allow_fallback": True})
    assert codec.decode_call(line) == ("queue.retry", {"job_ids": [1], "allow_fallback": True})


def test_a_call_that_python_would_refuse_is_refused_before_it_is_sent() -> None:
    with pytest.raises(TypeError):
        codec.encode_call("queue.job", (), {"queue.page": 1})
    with pytest.raises(TypeError):
        codec.encode_call("queue.job", (1, 2), {})


def test_a_name_that_is_not_utf_8_survives_everywhere() -> None:
    job = JobView(1, 1, BAD_NAME, "caf\ufffd", JobState.QUEUED, 3, 1.0, 2.0)
    assert codec.decode_event(codec.encode_event(JobChanged(job))) == JobChanged(job)
    line = codec.encode_call("queue.add", ([BAD_NAME], AddOptions()), {})
    assert codec.decode_call(line)[1]["paths"] == [BAD_NAME]
    line = codec.encode_call("queue.page", (JobQuery(search=BAD_NAME),), {})
    assert codec.decode_call(line)[1]["query"] == JobQuery(search=BAD_NAME)
    assert (
        codec.decode_result("files.text", codec.encode_result("files.text", BAD_NAME)) == BAD_NAME
    )
    facts = {"profile": BAD_NAME}
    assert codec.decode_result("facts", codec.encode_result("facts", facts)) == facts


def test_counts_keep_their_states() -> None:
    summary = QueueSummary({JobState.DONE: 3, JobState.HELD: 1}, eta_s=None)
    arrived = codec.decode_result("queue.summary", codec.encode_result("queue.summary", summary))
    assert (arrived.total, arrived.open_jobs) == (4, 1)


def test_a_large_text_is_one_line() -> None:
    text = "a\nb\r\u2028 \x00é字💾" * 100_000
    line = codec.encode_result("files.text", text)
    assert line.count(b"\n") == 1
    assert codec.decode_result("files.text", line) == text


# -- garbage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
NAMES = st.sampled_from([*sorted(METHODS), "events", "__init__", "close"]) | JSON
ARGUMENTS = (
    st.dictionaries(
        st.sampled_from(["job_ids", "job_id", "paths", "options", "query", "self", "return", "x"]),
        JSON,
        max_size=3,
    )
    | JSON
)
CALLS = st.fixed_dictionaries({"call": NAMES}, optional={"args": ARGUMENTS})
LINES = st.binary(max_size=80) | (CALLS | JSON).map(lambda value: json.dumps(value).encode())


def _decode(line: bytes) -> Any:
    try:
        return codec.decode_call(line)
    except POLITE:
        return None


@settings(max_examples=300)
@given(LINES)
def test_garbage_is_answered_politely(line: bytes) -> None:
    answer = _decode(line)
    if answer is not None:
        method, arguments = answer
        assert method in METHODS.keys() | {"events"}
        assert set(arguments) <= set(HINTS.get(method, {}))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"call": "queue.summary"}',
        b'{"call": ["queue.summary"], "args": {}}',
        b'{"call": "__class__", "args": {}}',
        b'{"call": "queue.job", "args": {"job_id": "nine"}}',
        b'{"call": "queue.job", "args": {"id": 9}}',
        b'{"call": "queue.job", "args": {"job_id": 9, "return": null}}',
        b'{"call": "queue.job", "args": [9]}',
        b'{"call": "queue.job", "args": null}',
        b'{"call": "queue.job", "args": "job_id"}',
        b'{"call": "queue.job", "args": {"job_id": ' + b"9" * 5000 + b"}}",
    ],
)
def test_a_line_that_is_no_call_is_refused_politely(line: bytes) -> None:
    with pytest.raises(POLITE):
        codec.decode_call(line)


def test_a_deeply_nested_line_is_refused_politely() -> None:
    with pytest.raises(POLITE):
        codec.decode_call(b"[" * 200_000)


def test_calls_are_checked_against_the_types_of_the_protocol() -> None:
    line = b'{"call": "queue.add", "args": {"paths": "/one/path", "options": {}}}'
    with pytest.raises(POLITE):
        codec.decode_call(line)
