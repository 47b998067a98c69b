"""Fetches the signed list of versions: one small answer, and nothing about the user in the request.

Whether the list is genuine is judged by its signature (config/installation/release_feed.py), not by
where it came from.
"""

from __future__ import annotations

import asyncio
from typing import Final

from exai_desktop.core.errors.codes import WAY_CLOSED, ErrorCode
from exai_desktop.core.errors.tree import EngineError, Sent, TransferError
from exai_desktop.core.settings import Settings
from exai_desktop.net.account_client import read_answer
from exai_desktop.net.direct import from_httpx
from exai_desktop.net.error_map import NETWORK_EXCEPTIONS, translate
from exai_desktop.net.http_client import client_for, proxy_place

WITHIN_S: Final = 30.0
_OK: Final = 200


async def fetch_releases(address: str, settings: Settings) -> bytes:
    """Raises UPDATE_CHECK_FAILED, or why the way there is closed. Follows no redirect."""
    folder, _, name = address.rpartition("/")
    try:
        client = client_for(folder, settings, headers={})
        try:
            async with asyncio.timeout(WITHIN_S):
                reply = from_httpx(
                    await client.send(client.build_request("GET", name), stream=True)
                )
                try:
                    answer = await read_answer(reply)
                finally:
                    await reply.close()
        finally:
            await client.aclose()
    except (*NETWORK_EXCEPTIONS, TransferError) as error:
        failure = translate(error, Sent.NOTHING, proxy_place(folder, settings))
        if failure.code in WAY_CLOSED:
            raise failure from None
        why = f"{failure.code.value} ({failure.detail})"
        raise EngineError(ErrorCode.UPDATE_CHECK_FAILED, why) from None
    if answer.status != _OK:
        raise EngineError(ErrorCode.UPDATE_CHECK_FAILED, f"the answer was {answer.status}")
    return answer.body
