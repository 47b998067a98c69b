"""The texts that providers have read from files: fetched when asked for, kept, searched."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Final

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.copies.provider import ExtractsText
from exai_desktop.core.copies.queries import FileQuery, SearchHit, TextCache
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.machine import Clock
from exai_desktop.engine.accounts.registry import Accounts

log = logging.getLogger(__name__)

MOST_HITS: Final = 50

_GONE: Final = frozenset({CopyState.DELETED, CopyState.EXPIRED})


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts that providers have read from files. `cache` None: none is kept."""

    cache: TextCache | None
    copies: CopyStore
    accounts: Accounts
    clock: Clock

    async def text_of(self, copy: Copy) -> str:
        """What was kept, else what the provider says; a stored file never changes."""
        kept = await self._kept(copy)
        if kept is not None:
            return kept
        provider = await self.accounts.provider(copy.account)
        if not isinstance(provider, ExtractsText):
            raise AppError(ErrorCode.NOT_SUPPORTED, copy.provider)
        text = await provider.content(copy.remote_id)
        # Read again: it may have been deleted while we waited for its text.
        now = await self.copies.get(copy.id)
        if self.cache is not None and now is not None and now.state not in _GONE:
            try:
                await self.cache.put(copy.account, copy.remote_id, text, self.clock.now())
            except AppError as error:
                log.warning("a text was not saved: %s", error)
        return text

    async def _kept(self, copy: Copy) -> str | None:
        if self.cache is None:
            return None
        try:
            return await self.cache.get(copy.account, copy.remote_id)
        except AppError as error:
            log.warning("the saved texts cannot be read: %s", error)
            return None

    async def forget_text(self, copy: Copy) -> None:
        """With the file goes its text; what keeps it from going is made good by `sweep`."""
        if self.cache is None:
            return
        try:
            await self.cache.drop(copy.account, copy.remote_id)
        except AppError as error:
            log.warning("a text was not deleted: %s", error)

    async def sweep(self) -> None:
        """At the start: no text is kept of a file that is gone, or that no record knows."""
        if self.cache is None:
            return
        try:
            for account, remote_id in await self.cache.keys():
                copy = await self.copies.by_remote_id(account, remote_id)
                if copy is None or copy.state in _GONE:
                    await self.cache.drop(account, remote_id)
        except AppError as error:
            log.warning("the saved texts were not searched: %s", error)

    async def with_texts(self, query: FileQuery) -> FileQuery:
        """The same query, for the files too whose kept text holds what is searched for."""
        matching = await self._matching(query.search)
        return replace(query, also=tuple(copy.id for copy, _ in matching))

    async def ids_with(self, text: str) -> tuple[tuple[str, str], ...]:
        """Account and id of the files whose kept text holds it."""
        return tuple((copy.account, copy.remote_id) for copy, _ in await self._matching(text))

    async def _matching(self, text: str) -> list[tuple[Copy, str]]:
        if self.cache is None or not text.strip():
            return []
        found = []
        for match in await self.cache.search(text, MOST_HITS):
            copy = await self.copies.by_remote_id(match.account, match.remote_id)
            if copy is not None and copy.state is not CopyState.DELETED:
                found.append((copy, match.snippet))
        return found

    async def search(self, text: str) -> list[SearchHit]:
        """Files by name, id or hash first, then those whose kept text holds it."""
        if not text.strip():
            return []
        page = await self.copies.page(FileQuery(search=text, limit=MOST_HITS))
        hits = {copy.id: SearchHit(copy) for copy in page.rows}
        hits |= {copy.id: SearchHit(copy, snippet) for copy, snippet in await self._matching(text)}
        return list(hits.values())
