"""The texts that providers have read from files: fetched when asked for, kept, searched."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.copies.provider import ExtractsText
from exai_desktop.core.copies.queries import FileQuery, SearchHit
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.engine.context import Context

log = logging.getLogger(__name__)

MOST_HITS: Final = 50

_GONE: Final = frozenset({CopyState.DELETED, CopyState.EXPIRED})


async def text_of(ctx: Context, copy: Copy) -> str:
    """What was kept, else what the provider says; a stored file never changes."""
    kept = await _kept(ctx, copy)
    if kept is not None:
        return kept
    provider = await ctx.accounts.provider(copy.account)
    if not isinstance(provider, ExtractsText):
        raise AppError(ErrorCode.NOT_SUPPORTED, copy.provider)
    text = await provider.content(copy.remote_id)
    # Read again: it may have been deleted while we waited for its text.
    now = await ctx.copies.get(copy.id)
    if ctx.texts is not None and now is not None and now.state not in _GONE:
        try:
            await ctx.texts.put(copy.account, copy.remote_id, text, ctx.clock.now())
        except AppError as error:
            log.warning("a text was not kept: %s", error)
    return text


async def _kept(ctx: Context, copy: Copy) -> str | None:
    if ctx.texts is None:
        return None
    try:
        return await ctx.texts.get(copy.account, copy.remote_id)
    except AppError as error:
        log.warning("the kept texts cannot be read: %s", error)
        return None


async def forget_text(ctx: Context, copy: Copy) -> None:
    """With the file goes its text; what keeps it from going is made good by `sweep`."""
    if ctx.texts is None:
        return
    try:
        await ctx.texts.drop(copy.account, copy.remote_id)
    except AppError as error:
        log.warning("a text is still kept: %s", error)


async def sweep(ctx: Context) -> None:
    """At the start: no text is kept of a file that is gone, or that no record knows."""
    if ctx.texts is None:
        return
    try:
        for account, remote_id in await ctx.texts.keys():
            copy = await ctx.copies.by_remote_id(account, remote_id)
            if copy is None or copy.state in _GONE:
                await ctx.texts.drop(account, remote_id)
    except AppError as error:
        log.warning("the kept texts were not looked through: %s", error)


async def with_texts(ctx: Context, query: FileQuery) -> FileQuery:
    """The same query, for the files too whose kept text holds what is searched for."""
    matching = await _matching(ctx, query.search)
    return replace(query, also=tuple(copy.id for copy, _ in matching))


async def _matching(ctx: Context, text: str) -> list[tuple[Copy, str]]:
    if ctx.texts is None or not text.strip():
        return []
    found = []
    for match in await ctx.texts.search(text, MOST_HITS):
        copy = await ctx.copies.by_remote_id(match.account, match.remote_id)
        if copy is not None and copy.state is not CopyState.DELETED:
            found.append((copy, match.snippet))
    return found


async def search(ctx: Context, text: str) -> list[SearchHit]:
    """Files by name, id or hash first, then those whose kept text holds it."""
    if not text.strip():
        return []
    page = await ctx.copies.page(FileQuery(search=text, limit=MOST_HITS))
    hits = {copy.id: SearchHit(copy) for copy in page.rows}
    hits |= {copy.id: SearchHit(copy, snippet) for copy, snippet in await _matching(ctx, text)}
    return list(hits.values())
