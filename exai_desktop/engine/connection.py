"""The result of a connection test."""

from __future__ import annotations

from urllib.parse import urlsplit

from exai_desktop.core.accounts import Account, ConnectionReport
from exai_desktop.core.errors import AppError, ErrorView


def report_of(
    account: Account, took_s: float, *, files: int | None = None, error: AppError | None = None
) -> ConnectionReport:
    return ConnectionReport(
        ok=error is None,
        account=account.name,
        host=urlsplit(account.base_url).netloc,
        duration_ms=round(took_s * 1000),
        files=files,
        error=ErrorView.of(error) if error else None,
    )
