"""Counters for Prometheus: on loopback, in its own form, and nothing at all without them."""

from __future__ import annotations

import socket

import httpx
import pytest

from exai_desktop.config.metrics import PrometheusMetrics, served, size_range
from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import NO_METRICS, Metrics


def tell(metrics: Metrics) -> None:
    """One of each."""
    metrics.attempt_began("kimi")
    metrics.attempt_ended("kimi", "http", "stored", 2_000_000, 0.7)
    metrics.checked_for_twin(is_duplicate=True)
    metrics.sent_unclaimed()
    metrics.selected("kimi", is_fallback=True)
    metrics.deleted("kimi")
    metrics.breaker_is("work", Phase.HALF_OPEN, is_new=True)
    metrics.breaker_is("work", Phase.HALF_OPEN, is_new=False)
    metrics.account_holds("work", 3, 4_000)
    metrics.jobs_are({"done": 3})
    metrics.sends_by("work", "openai", 1)
    metrics.answered("work", is_fault=True)
    metrics.health_is("work", is_well=False)


def test_without_anybody_who_watches_nothing_is_counted() -> None:
    tell(NO_METRICS)
    NO_METRICS.forget("work")
    assert not NO_METRICS.is_watched


def test_an_account_is_a_number_unless_asked_for() -> None:
    metrics = PrometheusMetrics()
    tell(metrics)
    metrics.health_is("home", is_well=True)
    with served(metrics, 0) as port:
        text = httpx.get(f"http://localhost:{port}/metrics", trust_env=False).text
    assert "work" not in text
    assert 'exai_provider_health{account="1"} 0.0' in text
    assert 'exai_provider_health{account="2"} 1.0' in text
    metrics.forget("work")
    with served(metrics, 0) as port:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    assert 'account="1"' not in text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_is_refused(host: str) -> None:
    metrics = PrometheusMetrics()
    tell(metrics)
    with served(metrics, 0) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        answer = httpx.get(url, headers={"Host": host}, trust_env=False)
    assert answer.status_code == 421
    assert "exai_" not in answer.text


def test_what_is_served() -> None:
    metrics = PrometheusMetrics(names_accounts=True)
    tell(metrics)
    with served(metrics, 0) as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
        # All of 127.0.0.0/8 is this machine, but only one address of it is answered on.
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port), timeout=1)
    text = answer.text
    labels = 'le="1.0",provider="kimi",size_range="medium"'
    assert f"exai_upload_duration_seconds_bucket{{{labels}}} 1.0" in text
    assert 'exai_breaker_changes_total{account="work",to="half_open"} 1.0' in text
    assert 'exai_breaker_state{account="work"} 1.0' in text
    assert 'exai_transport_active{account="work",transport="openai"} 1.0' in text
    assert 'exai_provider_answers_total{account="work",result="fault"} 1.0' in text
    assert 'exai_provider_health{account="work"} 0.0' in text
    assert 'exai_transport_active{account="work",transport="http"} 0.0' in text
    metrics.forget("work")
    metrics.forget("work")
    with served(metrics, 0) as port:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    assert "work" not in text


def test_a_port_that_is_taken_is_named() -> None:
    metrics = PrometheusMetrics()
    with served(metrics, 0) as port, pytest.raises(EngineError) as caught, served(metrics, port):
        pass
    assert caught.value.code is ErrorCode.INVALID_SETTING
    assert str(port) in caught.value.detail


@pytest.mark.parametrize(
    ("size", "name"),
    [
        (0, "small"),
        (2**20 - 1, "small"),
        (2**20, "medium"),
        (10 * 2**20, "large"),
        (100 * 2**20, "xlarge"),
    ],
)
def test_ranges_of_size(size: int, name: str) -> None:
    assert size_range(size) == name
