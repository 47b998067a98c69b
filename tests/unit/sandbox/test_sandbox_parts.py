"""The sandbox's parts that need no server."""

import json
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from exai_desktop.sandbox.faults import Fault, FaultScript
from exai_desktop.sandbox.flavours import FLAVOURS, flavour_at, flavour_named, flavour_of_key
from exai_desktop.sandbox.glm.messages import SENTENCES, default_code, sentence, speaks_chinese
from exai_desktop.sandbox.kimi.formats import lacks_text
from exai_desktop.sandbox.servers.limiter import AccountLimiter
from exai_desktop.sandbox.servers.store import Store, StoredFile
from exai_desktop.sandbox.settings import Limits, LiveSettings, SandboxSettings

SAMPLES = Path(__file__).resolve().parents[3] / "resources" / "samples"


def stored(store: Store, file_id: str, name: str, body: bytes = b"abc") -> StoredFile:
    incoming = store.incoming_path()
    incoming.write_bytes(body)
    now = time.time()
    file = StoredFile(file_id, "zai", name, len(body), "agent", "text/plain", now, now)
    store.add(file, incoming)
    return file


class TestStore:
    """Bytes, index, names and totals."""

    def test_names_are_free_again_when_the_last_twin_is_gone(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        first, second = stored(store, "1", "a.tar.gz"), stored(store, "2", "a.tar.gz")
        shelf = store.shelf("zai")
        assert shelf.free_name("a.tar.gz") == "a.tar (1).gz"
        assert shelf.free_name("b") == "b"
        store.delete(first)
        assert shelf.free_name("a.tar.gz") == "a.tar (1).gz"
        store.delete(second)
        assert shelf.free_name("a.tar.gz") == "a.tar.gz"
        assert shelf.total_bytes == 0
        store.close()

    def test_a_fingerprint_survives_a_restart(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        print_of_it = store.fingerprint(stored(store, "1", "a"))
        store.close()
        again = Store(tmp_path)
        found = again.file_with("1")
        assert found is not None
        assert found.sha256 == print_of_it
        assert again.fingerprint(found) == print_of_it
        again.close()

    def test_records_without_bytes_or_sense_are_passed_over(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        lost = stored(store, "lost", "a")
        store.delete(stored(store, "gone", "b"))
        store.close()
        store.blob(lost).unlink()
        with (tmp_path / "index.jsonl").open("a", encoding="utf-8") as index:
            index.write(json.dumps({"op": "delete", "id": "nobody"}) + "\n{}\n")
            index.write(json.dumps({"op": "delete", "id": "gone"}) + "\nnot json")
        again = Store(tmp_path)
        assert [file.id for file in again.all_files()] == ["gone"]
        assert not (tmp_path / "blobs" / "gone").exists()
        again.close()


class TestFaultScript:
    """Which fault strikes."""

    def test_the_first_that_strikes_wins_and_all_count(self) -> None:
        script = FaultScript()
        script.install([Fault(kind="stall", nth=2), Fault(kind="delay")])
        kinds = [fault.kind for _ in range(3) if (fault := script.pick("zai", "GET", "/"))]
        assert kinds == ["delay", "stall", "delay"]
        assert script.seen == [3, 3]
        assert script.struck == [1, 2]

    def test_matching(self) -> None:
        fault = Fault(kind="stall", flavour="zai", method="post", path_contains="/files")
        assert fault.matches("zai", "POST", "/zai/files")
        assert not fault.matches("bigmodel", "POST", "/zai/files")
        assert not fault.matches("zai", "GET", "/zai/files")
        assert not fault.matches("zai", "POST", "/zai/models")

    def test_storing_is_by_kind_unless_said(self) -> None:
        assert Fault(kind="lose_answer").stores
        assert not Fault(kind="html_502").stores
        assert Fault(kind="html_502", store=True).stores
        assert not Fault(kind="garbage", store=False).stores

    def test_chances_are_kept(self) -> None:
        script = FaultScript(seed=1)
        script.install([Fault(kind="stall", probability=0.25)], seed=1)
        struck = sum(script.pick("zai", "GET", "/") is not None for _ in range(2_000))
        assert 400 < struck < 600


class TestLimiter:
    """Places in flight and in the minute."""

    def test_refused_requests_take_no_place(self) -> None:
        limiter, limits = AccountLimiter(), Limits(concurrency=1)
        with limiter.slot(limits) as first, limiter.slot(limits) as second:
            assert first is None
            assert second is not None
            assert (second.cause, second.limit, second.wait_s) == ("concurrency", 1, 1)
        with limiter.slot(limits) as third:
            assert third is None

    def test_the_minute_moves_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 1_000.0
        monkeypatch.setattr("exai_desktop.sandbox.servers.limiter.time.monotonic", lambda: now)
        limiter, limits = AccountLimiter(), Limits(rpm=2)
        for _ in range(2):
            with limiter.slot(limits) as throttle:
                assert throttle is None
            now += 10
        with limiter.slot(limits) as throttle:
            assert throttle is not None
            assert (throttle.cause, throttle.wait_s) == ("rpm", 40)
        now += 40
        with limiter.slot(limits) as throttle:
            assert throttle is None
        limiter.clear()


def test_flavours_are_told_apart() -> None:
    assert len({flavour.key for flavour in FLAVOURS}) == len(FLAVOURS)
    for flavour in FLAVOURS:
        assert flavour_at(flavour.prefix + "/files") is flavour
        assert flavour_at(flavour.prefix + "x/files") is None
        assert flavour_of_key(flavour.key) is flavour
        assert flavour_named(flavour.name) is flavour
    assert flavour_of_key("sk-other") is None


def test_settings_by_flavour_and_a_bad_change_changes_nothing() -> None:
    live = LiveSettings(SandboxSettings(rpm=3, flavours={"zai": {"rpm": 9}}))
    assert (live.of("kimi-cn").rpm, live.of("zai").rpm) == (3, 9)
    with pytest.raises(ValidationError):
        live.change({"rpm": 1, "parse_s": -1}, None)
    assert live.of("kimi-cn").rpm == 3
    live.change({"rpm": 0}, None)
    live.restore()
    assert live.of("zai").rpm == 9


def test_messages_in_two_languages() -> None:
    for code, (english, chinese) in SENTENCES.items():
        assert english.isascii()
        assert not chinese.isascii()
        assert sentence(code, False, "x") == f"{english}: x"
    assert sentence("9999", True) == SENTENCES["500"][1]
    assert [default_code(status) for status in (401, 429, 502)] == ["1000", "1302", "500"]
    assert speaks_chinese("fr, zh-CN", chinese_by_default=False)
    assert not speaks_chinese(None, chinese_by_default=False)


@pytest.mark.parametrize(
    ("sample", "lacks"),
    [("report.pdf", False), ("scan of contract.pdf", True), ("notes.txt", False)],
)
def test_a_scan_has_no_text_layer(sample: str, lacks: bool) -> None:
    assert lacks_text(sample, SAMPLES / sample) is lacks


def test_packed_objects_may_hide_fonts(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.5\n1 0 obj << /Type /ObjStm >> endobj")
    assert not lacks_text("a.pdf", tmp_path / "a.pdf")
