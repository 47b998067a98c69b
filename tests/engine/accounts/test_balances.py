"""What is left to spend: asked for with a test, remembered, never made up."""

from dataclasses import dataclass
from pathlib import Path

from exai_desktop.core.accounts.accounts import Balance
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import TransferError
from tests.engine.engine_kit import Bench, open_bench
from tests.engine.scripted_provider import ScriptedProvider


@dataclass
class Purse(ScriptedProvider):
    left: float = 12.5
    fault: TransferError | None = None

    async def balance(self) -> Balance:
        if self.fault is not None:
            raise self.fault
        return Balance(self.left, "USD")


async def _shown(bench: Bench) -> dict[str, float | None]:
    return {
        status.account.name: status.balance.available if status.balance else None
        for status in await bench.engine.accounts.all()
    }


async def test_a_test_asks_for_the_balance_and_it_is_remembered(tmp_path: Path) -> None:
    providers: dict[str, ScriptedProvider] = {"kimi": Purse()}
    async with open_bench(tmp_path, providers=providers) as bench:
        assert await _shown(bench) == {"kimi": None, "glm": None}
        report = await bench.engine.accounts.test("kimi")
        assert report.balance is not None
        assert str(report.balance) == "12.50 USD"
        assert (await bench.engine.accounts.test("glm")).balance is None
    async with open_bench(tmp_path, providers=providers) as bench:
        assert await _shown(bench) == {"kimi": 12.5, "glm": None}
        await bench.engine.accounts.remove("kimi")
    async with open_bench(tmp_path, providers=providers) as bench:
        assert await _shown(bench) == {"kimi": None, "glm": None}


async def test_a_balance_that_is_not_told_is_no_fault(tmp_path: Path) -> None:
    purse = Purse()
    async with open_bench(tmp_path, providers={"kimi": purse}) as bench:
        await bench.engine.accounts.test("kimi")
        purse.fault = TransferError(ErrorCode.PERMISSION_DENIED)
        report = await bench.engine.accounts.test("kimi")
        assert (report.ok, report.balance) == (True, None)
        # The last one told stands, with its date.
        assert (await _shown(bench))["kimi"] == 12.5
        purse.list_fault = TransferError(ErrorCode.AUTH_FAILED)
        report = await bench.engine.accounts.test("kimi")
        assert (report.ok, report.balance) == (False, None)
