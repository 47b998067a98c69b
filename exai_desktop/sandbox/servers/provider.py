"""What the sandbox asks of a provider's emulator, and what both emulators share."""

from __future__ import annotations

from typing import Any, Protocol

from starlette.responses import JSONResponse, Response

from exai_desktop.sandbox.servers.exchange import Exchange


class ProviderServer(Protocol):
    """One provider's behaviour; the refusals are also what the fault script sends."""

    async def respond(self, exchange: Exchange) -> Response:
        """Carry the request out and word the answer."""
        ...

    def rate_refusal(self, exchange: Exchange, wait_s: int | None) -> Response:
        """Too many requests."""
        ...

    def quota_refusal(self, exchange: Exchange) -> Response:
        """No balance."""
        ...

    def refusal(
        self,
        exchange: Exchange,
        status: int,
        *,
        error_type: str | None = None,
        code: str | None = None,
        message: str | None = None,
    ) -> Response:
        """Any status in the provider's own form."""
        ...


def json_answer(body: Any, status: int = 200) -> JSONResponse:
    """A JSON answer in UTF-8."""
    return JSONResponse(body, status_code=status)


def bearer(exchange: Exchange) -> str | None:
    """The key of the request, None without a proper Authorization header."""
    scheme, _, key = exchange.headers.get("authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def endings(words: str) -> frozenset[str]:
    """A set of file endings written as one line."""
    return frozenset(words.split())


def extension(name: str) -> str:
    """The lower-case ending of a name without its dot."""
    return name.rpartition(".")[2].lower() if "." in name else ""
