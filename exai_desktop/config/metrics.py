"""Counters and histograms for Prometheus, served on this computer only (the extra `metrics`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, make_server

from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import Metrics

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


_PHASES: Final = {Phase.CLOSED: 0, Phase.HALF_OPEN: 1, Phase.OPEN: 2}
_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_WAYS: Final = ("http", "openai", "native")
# The ranges of the original, in bytes below which a file is in them.
_SIZES: Final = (("small", 2**20), ("medium", 10 * 2**20), ("large", 100 * 2**20))


def size_range(size: int) -> str:
    """small < 1 MiB, medium < 10 MiB, large < 100 MiB, xlarge."""
    return next((name for name, end in _SIZES if size < end), "xlarge")


class PrometheusMetrics(Metrics):
    """`core.events.Metrics`; raises INVALID_SETTING without the extra `metrics`.

    An account's name may tell for whom one works: it is a number unless `names_accounts`.
    """

    is_watched = True

    def __init__(self, *, names_accounts: bool = False) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ImportError as error:
            raise EngineError(
                ErrorCode.INVALID_SETTING,
                "metrics_port needs the package extra metrics, which is not installed",
            ) from error
        self.registry = CollectorRegistry()
        self._names_accounts = names_accounts
        self._numbers: dict[str, int] = {}

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"exai_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"exai_{name}", text, labels, registry=self.registry)

        self._attempts = counter(
            "upload_attempts", "Ended attempts", "provider", "transport", "outcome"
        )
        self._bytes = counter("upload_bytes", "Bytes of stored files", "provider")
        self._seconds = Histogram(
            "exai_upload_duration_seconds",
            "From the first byte to the answer, of stored files",
            ("provider", "size_range"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._active = gauge("uploads_active", "Attempts in progress", "provider")
        self._twins = counter("deduplication_checks", "Contents looked up", "result")
        self._unclaimed = counter("unclaimed_uploads", "Sent without asking other computers")
        self._selected = counter("provider_selections", "Files routed", "provider", "reason")
        self._deleted = counter("deletions", "Files deleted at the provider", "provider")
        self._breaker = gauge("breaker_state", "0 closed, 1 half open, 2 open", "account")
        self._changes = counter("breaker_changes", "Changes of state", "account", "to")
        self._answers = counter("provider_answers", "Requests to the provider", "account", "result")
        self._health = gauge("provider_health", "1 healthy, 0 not", "account")
        self._held_files = gauge("account_files", "Known files at the account", "account")
        self._held_bytes = gauge("account_bytes", "Known bytes at the account", "account")
        self._ways = gauge("transport_active", "1 for the transport in use", "account", "transport")
        self._step_downs = gauge("transport_step_downs", "Since the start", "account")
        self._jobs = gauge("jobs", "Jobs in the database", "state")

    def _shown(self, account: str) -> str:
        if self._names_accounts:
            return account
        return str(self._numbers.setdefault(account, len(self._numbers) + 1))

    def attempt_began(self, provider: str) -> None:
        self._active.labels(provider).inc()

    def attempt_ended(
        self, provider: str, transport: str, outcome: str, size: int, took_s: float
    ) -> None:
        self._active.labels(provider).dec()
        self._attempts.labels(provider, transport, outcome).inc()
        if outcome == "stored":
            self._bytes.labels(provider).inc(size)
            self._seconds.labels(provider, size_range(size)).observe(took_s)

    def sent_unclaimed(self) -> None:
        self._unclaimed.inc()

    def checked_for_twin(self, *, is_duplicate: bool) -> None:
        self._twins.labels("duplicate" if is_duplicate else "unique").inc()

    def selected(self, provider: str, *, is_fallback: bool) -> None:
        self._selected.labels(provider, "fallback" if is_fallback else "first choice").inc()

    def deleted(self, provider: str) -> None:
        self._deleted.labels(provider).inc()

    def breaker_is(self, account: str, phase: Phase, *, is_new: bool) -> None:
        self._breaker.labels(self._shown(account)).set(_PHASES[phase])
        if is_new:
            self._changes.labels(self._shown(account), phase.value.replace(" ", "_")).inc()

    def answered(self, account: str, *, is_fault: bool) -> None:
        self._answers.labels(self._shown(account), "fault" if is_fault else "good").inc()

    def health_is(self, account: str, *, is_well: bool) -> None:
        self._health.labels(self._shown(account)).set(float(is_well))

    def account_holds(self, account: str, files: int, size: int) -> None:
        self._held_files.labels(self._shown(account)).set(files)
        self._held_bytes.labels(self._shown(account)).set(size)

    def jobs_are(self, counts: Mapping[str, int]) -> None:
        for state, number in counts.items():
            self._jobs.labels(state).set(number)

    def sends_by(self, account: str, transport: str, step_downs: int) -> None:
        for way in _WAYS:
            self._ways.labels(self._shown(account), way).set(float(way == transport))
        self._step_downs.labels(self._shown(account)).set(step_downs)

    def forget(self, account: str) -> None:
        shown = self._shown(account)
        single = (self._breaker, self._health, self._held_files, self._held_bytes)
        for gauge in (*single, self._step_downs):
            with suppress(KeyError):
                gauge.remove(shown)
        for result in ("fault", "good"):
            with suppress(KeyError):
                self._answers.remove(shown, result)
        for way in _WAYS:
            with suppress(KeyError):
                self._ways.remove(shown, way)
        for phase in Phase:
            with suppress(KeyError):
                self._changes.remove(shown, phase.value.replace(" ", "_"))


# The end of the program waits for it.
_ENDS_WITHIN_S: Final = 0.05
_OURS: Final = frozenset({"127.0.0.1", "localhost"})


@contextmanager
def served(metrics: PrometheusMetrics, port: int) -> Iterator[int]:
    """On 127.0.0.1 until left; gives the port. Raises INVALID_SETTING when it is taken.

    A request for another host is refused: a web page can make a browser ask this computer under a
    name of its own.
    """
    from prometheus_client import make_wsgi_app
    from prometheus_client.exposition import ThreadingWSGIServer

    show = make_wsgi_app(registry=metrics.registry)

    def respond(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        host, _, _ = environ.get("HTTP_HOST", "").partition(":")
        if host not in _OURS:
            start("421 Misdirected Request", [("Content-Type", "text/plain")])
            return [b"The name of this host is 127.0.0.1.\n"]
        answer: Iterable[bytes] = show(environ, start)
        return answer

    try:
        server = make_server("127.0.0.1", port, respond, ThreadingWSGIServer, _Quiet)
    except OSError as error:
        raise EngineError(
            ErrorCode.INVALID_SETTING, f"metrics_port {port}: {error.strerror}"
        ) from error
    thread = Thread(
        target=server.serve_forever, args=(_ENDS_WITHIN_S,), name="metrics", daemon=True
    )
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(WSGIRequestHandler):
    """Requests are no news."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        pass
