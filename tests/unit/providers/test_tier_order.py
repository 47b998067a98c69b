"""Which tier is in use, when it steps down, when it comes back."""

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.net.account_client import Answer
from exai_desktop.providers.tiers.tier import (
    STEP_UP_AFTER_S,
    Question,
    TierOrder,
    TierUnavailableError,
    tier_names,
)

LIST = Question("list")


class Scripted:
    """A tier that fails as told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.unready = ""
        self.fault: Exception | None = None
        self.asked = 0

    async def ready(self) -> None:
        if self.unready:
            raise TierUnavailableError(self.unready)

    async def upload(self, upload: object, purpose: str) -> Answer:
        raise AssertionError("not in these tests")

    async def ask(self, question: Question) -> Answer:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return Answer(200, {}, self.name.encode())

    def close(self) -> None: ...


class Bench:
    def __init__(self) -> None:
        self.tiers = [Scripted("native"), Scripted("openai"), Scripted("http")]
        self.time = 1000.0
        self.order = TierOrder(self.tiers, lambda: self.time)

    async def used(self) -> str:
        return (await self.order.ask(LIST)).body.decode()


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("http", ("http",)),
        ("sdk-first", ("native", "openai", "http")),
        ("openai", ("openai", "http")),
        ("http,openai", ("http", "openai")),
        ("native,native,http", ("native", "http")),
    ],
)
def test_the_setting_is_read(order: str, names: tuple[str, ...]) -> None:
    assert tier_names(order) == names


async def test_the_first_that_works_is_used_and_the_reason_is_said() -> None:
    bench = Bench()
    bench.tiers[0].unready = "zai-sdk is not installed"
    bench.tiers[1].unready = "openai is not installed"
    assert await bench.used() == "http"
    status = bench.order.status
    assert (status.name, status.step_downs) == ("http", 2)
    assert "openai is not installed" in status.note


async def test_a_method_that_is_missing_steps_down_within_the_call() -> None:
    bench = Bench()
    bench.tiers[0].fault = TierUnavailableError("no such method")
    assert await bench.used() == "openai"
    assert bench.order.status.name == "openai"


@pytest.mark.parametrize(
    "error",
    [
        TransferError(ErrorCode.PROVIDER_REJECTED, status=400, sent=Sent.ALL),
        TransferError(ErrorCode.ANSWER_LOST, sent=Sent.SOME),
        TransferError(ErrorCode.OFFLINE),
        TransferError(ErrorCode.FILE_CHANGED),
    ],
)
async def test_what_network_or_provider_said_never_steps_down(error: TransferError) -> None:
    bench = Bench()
    bench.tiers[0].fault = error
    with pytest.raises(TransferError):
        await bench.used()
    assert bench.order.status.name == "native"
    assert [tier.asked for tier in bench.tiers] == [1, 0, 0]


async def test_it_comes_back_after_five_healthy_minutes_and_a_passed_self_test() -> None:
    bench = Bench()
    bench.tiers[0].unready = "not yet"
    assert await bench.used() == "openai"
    bench.tiers[0].unready = ""
    bench.time += STEP_UP_AFTER_S - 1
    assert await bench.used() == "openai"
    bench.tiers[1].fault = TransferError(ErrorCode.OFFLINE)  # not healthy: from the start
    with pytest.raises(TransferError):
        await bench.used()
    bench.tiers[1].fault = None
    bench.time += STEP_UP_AFTER_S - 1
    assert await bench.used() == "openai"
    bench.tiers[0].unready = "still not"
    bench.time += 1
    assert await bench.used() == "openai"
    bench.tiers[0].unready = ""
    bench.time += STEP_UP_AFTER_S - 1
    assert await bench.used() == "openai"
    bench.time += 1
    assert await bench.used() == "native"
    assert (bench.order.status.note, bench.order.status.step_downs) == ("", 1)
