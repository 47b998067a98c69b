"""Content claims over the devices of one user, at his Supabase project.

A claim is renewed while it is held and runs out with its device, by the project's clock. Each has
a number higher than all before it (its fence): what a holder says too late is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from pydantic import ValidationError

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import (
    OTHER_DEVICE,
    Claim,
    ClaimKey,
    ClaimLostError,
    is_possible,
)
from exai_desktop.core.machine import steady_time
from exai_desktop.core.mirror.claims import ClaimServer, ClaimStep, GrantedClaim
from exai_desktop.sync.questions import Patience, Questions

log = logging.getLogger(__name__)

# Long enough for a device that is busy, short enough for one that is gone.
LEASE_S: Final = 30.0
# What a file waits for the project, all in all.
PATIENCE_S: Final = 1.0
# The holder believes in an earlier end: what it sends last takes its time.
_BELIEVED: Final = 5 / 6
_RENEWALS: Final = 3
# By how much the clocks of two devices may differ.
SKEW_S: Final = 120.0
# How soon it is asked again for a content that another device is sending, at first and at most.
_AGAIN_S: Final = (0.4, 4.0)
_REMEMBERED: Final = 1_000


def claim_name(key: ClaimKey) -> str:
    """The same on each device. It tells nobody more than what the project's tables have anyway."""
    parts = ("exai claim 1", key.base_url, key.key_fingerprint, key.purpose, key.sha256)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class SupabaseClaims:
    """Calls block, in threads, for `patience_s` a file at most.

    Raises NOT_SIGNED_IN where there is nobody to ask for, else CLAIM_UNANSWERED.
    """

    def __init__(
        self,
        server: ClaimServer,
        owner: str,
        loop: asyncio.AbstractEventLoop,
        *,
        lease_s: float = LEASE_S,
        patience_s: float = PATIENCE_S,
        skew_s: float = SKEW_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.owner = owner
        self._server = server
        self._lease_s = lease_s
        self._patience_s = patience_s
        self._skew_s = skew_s
        self._now = now
        self._questions = Questions(loop)
        self._others = _Others()

    def is_anothers(self, key: ClaimKey, remote: RemoteFile) -> bool:
        """Notes are found by their content alone: each device asks its own."""
        return False

    def hold(self, key: ClaimKey) -> SupabaseHold | None:
        if not key.key_fingerprint:
            raise EngineError(ErrorCode.NOT_SIGNED_IN, "nobody can tell whose account it is")
        return self._questions.wait_for(self._hold(claim_name(key)))

    async def _hold(self, name: str) -> SupabaseHold | None:
        if self._others.is_soon(name):
            return None
        asked_at, seconds = steady_time(), round(self._lease_s)
        patience = Patience(self._patience_s)
        claim = await self._questions.ask(
            self._server.claim(name, seconds), patience, self._give_back
        )
        self._others.note(name, is_held=claim is None)
        if claim is None:
            return None
        line = _Line(self._server, self._questions, claim, patience, seconds)
        return SupabaseHold(line, self._questions, self.owner, self._found(claim), asked_at)

    def _give_back(self, claim: GrantedClaim | None) -> None:
        """Granted when nobody waited for it any more: the others would wait for nothing."""
        if claim is not None:
            self._questions.begin(self._server.claim_step(claim, ClaimStep.RELEASE, 1))

    def _found(self, claim: GrantedClaim) -> Claim | None:
        """What the last holder has noted, as far as it can be true."""
        if claim.note is None:
            return None
        try:
            found = Claim.model_validate(claim.note)
        except ValidationError:  # of another version of the program, or written by hand
            log.warning("a note on a content at the project cannot be read")
            return None
        if not is_possible(found, self._now(), self._skew_s):
            log.warning("a note on a content at the project cannot be true")
            return None
        # There a device has another name than its profile has here.
        is_own = found.owner == claim.target.device_id
        return found.model_copy(update={"owner": self.owner if is_own else OTHER_DEVICE})

    @property
    def words(self) -> str:
        """For `doctor`; "" when nothing was asked."""
        asked = self._questions
        if not asked.answered and not asked.left:
            return ""
        return f"{asked.answered} answers of the project, {asked.left} not in time"

    async def close(self) -> None:
        await self._questions.close()


class _Others:
    """Contents that another device is sending, and when it is asked again."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def is_soon(self, name: str) -> bool:
        return name in self._until and steady_time() < self._until[name][0]

    def note(self, name: str, *, is_held: bool) -> None:
        _, wait_s = self._until.pop(name, (0.0, _AGAIN_S[0] / 2))
        if is_held:
            wait_s = min(_AGAIN_S[1], wait_s * 2)
            self._until[name] = (steady_time() + wait_s, wait_s)
            if len(self._until) > _REMEMBERED:
                self._until.popitem(last=False)


class SupabaseHold:
    """A claim of ours, renewed while it is held."""

    def __init__(
        self,
        line: _Line,
        questions: Questions,
        owner: str,
        found: Claim | None,
        asked_at: float,
    ) -> None:
        """Made in the loop."""
        self._line = line
        self._questions = questions
        self._owner = owner
        self._found = found
        self._believed_s = line.seconds * _BELIEVED
        self._good_until = asked_at + self._believed_s
        self._is_lost = False
        # The last renewal was not answered: when it was given up, and why.
        self._unanswered: tuple[float, str] | None = None
        self._renewer = questions.keep(self._renew())

    @property
    def earlier(self) -> Claim | None:
        found = self._found
        return None if found is None or found.owner == self._owner else found

    @property
    def own(self) -> Claim | None:
        found = self._found
        return found if found is not None and found.owner == self._owner else None

    @property
    def is_ours(self) -> bool:
        """Also when it has run out because the project did not answer: no upload waits for that.

        Not when nobody has asked it for so long, as on a computer that has slept.
        """
        now, unanswered = steady_time(), self._unanswered
        is_asked = unanswered is not None and now < unanswered[0] + self._believed_s
        return not self._is_lost and (now < self._good_until or is_asked)

    @property
    def left(self) -> str:
        unanswered = self._unanswered
        if self._is_lost or unanswered is None or steady_time() < self._good_until:
            return ""
        return unanswered[1]

    async def _renew(self) -> None:
        while not self._is_lost:
            await asyncio.sleep(self._line.seconds / _RENEWALS)
            asked_at = steady_time()
            try:
                self._is_lost = not await self._line.renew()
            except EngineError as error:
                # Signed out meanwhile: there is nobody to ask any more, and nothing to say.
                why = "" if error.code is ErrorCode.NOT_SIGNED_IN else error.detail
                self._unanswered = steady_time(), why
                log.warning("a claim was not renewed: %s", error.detail)
            else:
                self._unanswered = None
                self._good_until = asked_at + self._believed_s

    def note(self, claim: Claim | None) -> None:
        is_own = claim is not None and claim.owner == self._owner
        if not self._questions.wait_for(self._line.note(claim, is_own=is_own)):
            self._is_lost = True
            raise ClaimLostError
        self._found = claim

    def release(self) -> None:
        try:
            self._questions.wait_for(self._release())
        except EngineError as error:
            log.info("a claim was not given back in time: %s", error.detail)

    async def _release(self) -> None:
        self._renewer.cancel()
        await self._line.release()


class _Line:
    """The steps of one claim, one after the other: a note must not come behind the release."""

    def __init__(
        self,
        server: ClaimServer,
        questions: Questions,
        claim: GrantedClaim,
        patience: Patience,
        seconds: int,
    ) -> None:
        self.seconds = seconds
        self._claim = claim
        self._server = server
        self._questions = questions
        self._patience = patience
        self._turn = asyncio.Lock()
        # What may lie there as long as nobody else has had it: an answer may be lost.
        self._notes: list[Mapping[str, Any] | None] = [claim.note]

    async def renew(self) -> bool:
        """No file waits for this. False: another device has it, or has noted something."""
        return await self._ask(self._kept(), Patience(self.seconds / _RENEWALS))

    async def note(self, claim: Claim | None, *, is_own: bool) -> bool:
        """What another device has noted is put back as it was."""
        note: Mapping[str, Any] | None = None
        if claim is not None and is_own:
            note = claim.model_dump(mode="json") | {"owner": self._claim.target.device_id}
        elif claim is not None:
            note = self._notes[0] or claim.model_dump(mode="json")
        self._notes.append(note)
        return await self._ask(self._step(ClaimStep.NOTE, note), self._patience)

    async def release(self) -> None:
        await self._ask(self._step(ClaimStep.RELEASE), self._patience)

    async def _ask(self, question: Coroutine[Any, Any, bool], patience: Patience) -> bool:
        return await self._questions.follow(question, patience)

    async def _step(self, step: ClaimStep, note: Mapping[str, Any] | None = None) -> bool:
        async with self._turn:
            return await self._server.claim_step(self._claim, step, self.seconds, note)

    async def _kept(self) -> bool:
        """One that has run out is taken again if nobody can have sent anything in between."""
        if await self._step(ClaimStep.RENEW):
            return True
        async with self._turn:
            again = await self._server.claim(self._claim.key, self.seconds)
            if again is None:
                return False
            self._claim = again
        return again.note in self._notes
