"""What a provider takes: by ending, size, purpose and region."""

import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError
from exai_desktop.core.routing.capabilities import (
    Provider,
    ProviderTable,
    Purpose,
    Region,
    fit,
    provider_of,
    purpose_of,
    table_of,
)

RESOURCE = Path(__file__).resolve().parents[3] / "resources" / "providers.toml"
TABLE = table_of(tomllib.loads(RESOURCE.read_text(encoding="utf-8")))
PLACES = [(provider, region) for provider in TABLE.providers for region in provider.regions]
ENDINGS = sorted({e for p in TABLE.providers for purpose in p.purposes for e in purpose.formats})


def _purpose(name: str, formats: str, max_bytes: int, **more: object) -> Purpose:
    row = {"name": name, "title": name, "formats": formats.split(), "max_bytes": max_bytes}
    return purpose_of(row | {"source": "a page", "checked": "2026-01-01"} | more)


def _region(name: str) -> Region:
    address = f"https://{name}.example"
    return Region(name=name, title=name, base_url=address, console_url=address)


ACME = Provider(
    name="acme",
    title="Acme",
    company="Acme Ltd",
    key_hint="",
    regions=(_region("north"), _region("south")),
    purposes=(
        _purpose(
            "read",
            "pdf txt png",
            100,
            aliases=frozenset({"file"}),
            limits=[{"formats": ["txt"], "max_bytes": 10}],
        ),
        _purpose("look", "png jpg", 500),
        _purpose("north-only", "zip txt", 50, regions=frozenset({"north"})),
    ),
)


def _code(name: str, size: int, region: str = "north", wanted: str | None = None) -> ErrorCode:
    with pytest.raises(AppError) as caught:
        fit(name, size, ACME, region, wanted)
    assert caught.value.detail
    return caught.value.code


@pytest.mark.parametrize(
    ("name", "size", "purpose"),
    [
        ("a.pdf", 100, "read"),
        ("A.PDF", 1, "read"),
        ("a.jpg", 500, "look"),
        ("a.png", 100, "read"),
        # Too large for the first purpose, not for the second.
        ("a.png", 101, "look"),
        ("a.txt", 10, "read"),
        ("a.txt", 11, "north-only"),
    ],
)
def test_the_first_purpose_that_takes_ending_and_size_wins(
    name: str, size: int, purpose: str
) -> None:
    assert fit(name, size, ACME, "north", None).name == purpose


def test_a_wanted_purpose_is_kept_to() -> None:
    assert fit("a.png", 10, ACME, "north", "look").name == "look"
    assert fit("a.png", 10, ACME, "north", "file").name == "read"
    assert _code("a.png", 101, wanted="read") is ErrorCode.FILE_TOO_LARGE
    assert _code("a.jpg", 10, wanted="read") is ErrorCode.INVALID_FILE_TYPE


@pytest.mark.parametrize(
    ("name", "size", "code"),
    [
        ("README", 1, ErrorCode.INVALID_EXTENSION),
        (".pdf", 1, ErrorCode.INVALID_EXTENSION),
        ("a.exe", 1, ErrorCode.INVALID_FILE_TYPE),
        ("a.pdf", 101, ErrorCode.FILE_TOO_LARGE),
        ("a.png", 501, ErrorCode.FILE_TOO_LARGE),
    ],
)
def test_a_refusal_has_its_own_code(name: str, size: int, code: ErrorCode) -> None:
    assert _code(name, size) is code


def test_a_file_too_large_is_told_the_most_that_any_purpose_takes() -> None:
    with pytest.raises(AppError, match=r"501 bytes; Acme accepts 500 for \.png"):
        fit("a.png", 501, ACME, "north", None)


def test_a_purpose_of_another_region_is_not_offered() -> None:
    assert fit("a.zip", 1, ACME, "north", None).name == "north-only"
    assert _code("a.zip", 1, region="south") is ErrorCode.INVALID_FILE_TYPE
    assert _code("a.zip", 1, region="south", wanted="north-only") is ErrorCode.INVALID_PURPOSE


def test_an_unknown_purpose_is_answered_with_those_that_exist() -> None:
    with pytest.raises(AppError, match="'vision'; Acme accepts: read, look") as caught:
        ACME.purpose("south", "vision")
    assert caught.value.code is ErrorCode.INVALID_PURPOSE


def test_providers_and_regions_are_found_by_name() -> None:
    table = ProviderTable(schema_version=1, providers=(ACME,))
    assert table.provider("acme") is ACME
    assert table.provider("nobody") is None
    south = ACME.region("south")
    assert south is not None and south.base_url == "https://south.example"
    assert ACME.region("west") is None


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"purposes": ()},
        {"regions": ()},
        {"regions": [{"name": "north"}]},
        {"max_total_bytes": "much"},
        {"max_total_files": 0},
        {"tiers": [{"name": "a", "region": "b", "concurrency": -1, "per_minute": 1}]},
    ],
)
def test_a_table_that_is_not_as_agreed_is_refused(change: dict[str, object]) -> None:
    row = asdict(ACME)
    assert provider_of(row) == ACME
    with pytest.raises((ValueError, TypeError)):
        provider_of(row | change)


@pytest.mark.parametrize(
    "change", [{"formats": "pdf"}, {"max_bytes": 0}, {"max_bytes": True}, {"limits": [{}]}]
)
def test_a_purpose_that_is_not_as_agreed_is_refused(change: dict[str, object]) -> None:
    row = asdict(ACME.purposes[0])
    with pytest.raises((ValueError, TypeError, KeyError)):
        purpose_of(row | change)


def test_a_table_without_providers_is_refused() -> None:
    with pytest.raises(ValueError, match="no providers"):
        table_of({"schema_version": 1, "providers": []})


def test_every_value_of_the_real_table_has_its_type() -> None:
    assert TypeAdapter(ProviderTable).validate_python(asdict(TABLE)) == TABLE


def test_a_key_is_never_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match="https://"):
        Region(name="a", title="a", base_url="http://a", console_url="https://a")


# -- the real table


@pytest.mark.parametrize(("provider", "region"), PLACES, ids=lambda value: value.name)
def test_within_a_region_every_purpose_has_its_own_names(
    provider: Provider, region: Region
) -> None:
    purposes = provider.purposes_in(region.name)
    assert purposes
    names = [name for p in purposes for name in (p.name, *p.aliases)]
    assert len(set(names)) == len(names)
    for purpose in purposes:
        assert all(ending == ending.lower() and ending[0] != "." for ending in purpose.formats)
        assert set(purpose.formats) >= {e for limit in purpose.limits for e in limit.formats}
        assert purpose.regions <= {known.name for known in provider.regions}


@given(st.sampled_from(PLACES), st.sampled_from(ENDINGS), st.integers(0, 10**9))
def test_what_fits_is_within_the_limits_of_its_purpose(
    place: tuple[Provider, Region], ending: str, size: int
) -> None:
    provider, region = place
    try:
        purpose = fit(f"a.{ending}", size, provider, region.name, None)
    except AppError:
        takers = [p for p in provider.purposes_in(region.name) if p.takes(ending)]
        assert all(size > p.limit_for(ending) for p in takers)
        return
    assert purpose in provider.purposes_in(region.name)
    assert purpose.takes(ending)
    assert size <= purpose.limit_for(ending) <= purpose.max_bytes
    assert fit(f"a.{ending}", size, provider, region.name, purpose.name) == purpose


# -- an account's own purposes


def _own(*purposes: str) -> Provider:
    table = TABLE.of(Account("own", "custom", "own", "http://127.0.0.1/v1", purposes=purposes))
    assert table is not None
    return table


@pytest.mark.parametrize("text", ["", "with space", "a:b c", "a:", ":pdf", "a" * 65, "a:pdf,,txt"])
def test_a_purpose_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(AccountError) as caught:
        _own(text)
    assert caught.value.code is ErrorCode.INVALID_ACCOUNT


def test_an_accounts_own_purposes_take_the_place_of_the_usual_ones() -> None:
    table = _own("papers:PDF,.txt", "anything")
    assert [(p.name, p.formats) for p in table.purposes] == [
        ("papers", ("pdf", "txt")),
        ("anything", ("*",)),
    ]
    assert fit("a.pdf", 10, table, "own", None).name == "papers"
    assert fit("a.docx", 10, table, "own", None).name == "anything"


def test_without_own_ones_the_usual_ones_hold_and_nobody_has_none() -> None:
    assert _own() == TABLE.provider("custom")
    assert fit("a.jsonl", 10, _own(), "own", None).name == "batch"
    assert fit("a.epub", 10, _own(), "own", None).name == "user_data"
    assert TABLE.of(Account("x", "nobody", "x", "https://a.example")) is None


def test_tiers_are_those_of_the_region_and_only_grow() -> None:
    kimi = TABLE.provider("kimi")
    assert kimi is not None
    for region in ("intl", "cn"):
        tiers = kimi.tiers_in(region)
        assert [tier.name for tier in tiers] == list("012345")
        assert [tier.concurrency for tier in tiers] == sorted(tier.concurrency for tier in tiers)
        assert [tier.per_minute for tier in tiers] == sorted(tier.per_minute for tier in tiers)
    assert kimi.tiers_in("moon") == ()


def test_only_some_purposes_give_text_back() -> None:
    assert TABLE.gives_text("kimi", "file-extract")
    assert not TABLE.gives_text("kimi", "image")
    assert not TABLE.gives_text("kimi", None)
    assert not TABLE.gives_text(None, "file-extract")
    assert not TABLE.gives_text("nobody", "file-extract")
