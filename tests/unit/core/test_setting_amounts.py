"""Sizes, speeds and durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.settings.amounts import read_amount, shown_amount

SIZE, SPEED, TIME = "max_file_bytes", "upload_bytes_per_s", "settle_s"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        (SIZE, "512 MiB", "536870912"),
        (SIZE, "512mib", "536870912"),
        (SIZE, "10 GiB", "10737418240"),
        (SIZE, "1.5 GB", "1500000000"),
        (SIZE, "1,000", "1000"),
        (SIZE, "1'000'000", "1000000"),
        (SIZE, "0.1 kB", "100"),
        (SIZE, " 7 bytes ", "7"),
        (SPEED, "100 kB/s", "100000"),
        (SPEED, "2 MB per second", "2000000"),
        (SPEED, "16384", "16384"),
        (SPEED, "16384 bytes a second", "16384"),
        (TIME, "10 min", "600"),
        (TIME, "1.5 h", "5400"),
        (TIME, "2 days", "172800"),
        (TIME, "2.5", "2.5"),
        (TIME, "0.25 s", "0.25"),
    ],
)
def test_what_people_write(name: str, text: str, value: str) -> None:
    assert read_amount(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (SIZE, "10 min"),
        (SIZE, "0.3 bytes"),
        (SIZE, "much"),
        (SIZE, ""),
        (SIZE, "-5"),
        (SIZE, "5 MB/s"),
        (SIZE, "1,5 GiB"),
        (SIZE, "10,00"),
        (SPEED, "0,5 MB/s"),
        (SPEED, "10 Mb/s"),
        (TIME, "1,5 min"),
        (TIME, "10 MB"),
        ("proxy", "10 MB"),
        ("max_in_flight", "1 kB"),
    ],
)
def test_what_is_no_amount_is_left_to_the_setting(name: str, text: str) -> None:
    assert read_amount(name, text) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (SIZE, 536_870_912, "512 MiB"),
        (SIZE, 1_000, "1,000 bytes"),
        (SIZE, 0, "0"),
        (SPEED, 500_000, "500 kB/s"),
        (SPEED, 16_384, "16,384 bytes/s"),
        (TIME, 600.0, "10 min"),
        (TIME, 2.5, "2.5 s"),
        (TIME, 61, "61 s"),
        ("max_in_flight", 2, "2"),
    ],
)
def test_what_people_are_shown(name: str, value: float, text: str) -> None:
    assert shown_amount(name, value) == text


@given(st.sampled_from([SIZE, SPEED]), st.integers(0, 10**15))
def test_a_shown_size_is_read_as_the_same(name: str, value: int) -> None:
    assert int(read_amount(name, shown_amount(name, value))) == value


@given(st.integers(0, 10**9))
def test_a_shown_duration_is_read_as_the_same(milliseconds: int) -> None:
    value = milliseconds / 1_000
    assert float(read_amount(TIME, shown_amount(TIME, value))) == pytest.approx(value)
