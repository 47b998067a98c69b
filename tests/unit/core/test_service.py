"""The service by full names: what the socket's client and the window's client are made from."""

from __future__ import annotations

import pytest

from exai_desktop.core.service import METHODS, PARTS, method_of, proxy


async def test_a_call_is_handed_on_under_its_full_name() -> None:
    calls: list[tuple[object, ...]] = []

    async def note(name: str, *args: object, **kwargs: object) -> str:
        calls.append((name, args, kwargs))
        return "answer"

    service = proxy(note)
    assert await method_of(service, "facts")() == "answer"
    assert await method_of(service, "queue.retry")([1], allow_fallback=True) == "answer"
    assert calls == [("facts", (), {}), ("queue.retry", ([1],), {"allow_fallback": True})]


@pytest.mark.parametrize(
    "name", ["queue.__init__", "queue.nothing", "nothing", "queue", "events", ""]
)
def test_what_is_no_method_is_refused(name: str) -> None:
    async def call(*_: object) -> None:
        """Never called."""

    with pytest.raises(LookupError):
        method_of(proxy(call), name)
    with pytest.raises(AttributeError):
        _ = proxy(call).queue.nothing  # type: ignore[attr-defined]


def test_no_part_has_more_than_twenty_methods_and_all_have_some() -> None:
    counts = {part: sum(name.startswith(f"{part}.") for name in METHODS) for part in PARTS}
    assert all(1 <= count <= 20 for count in counts.values()), counts
