"""The user's project over HTTP: the functions behind its Data API, as its user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.mirror.claims import ClaimStep, GrantedClaim
from exai_desktop.core.mirror.link import ProjectFacts
from exai_desktop.core.mirror.operations import (
    SCHEMA,
    AnswerStatus,
    Change,
    ChangePage,
    MirrorTarget,
    Operation,
    OperationAnswer,
)
from exai_desktop.core.mirror.quota import Quota, Reservation, RoomAnswer
from exai_desktop.core.mirror.storage_copies import CopyRoom
from exai_desktop.net.account_client import Answer
from exai_desktop.net.project_client import ANSWER_S, ProjectClient, value_of
from exai_desktop.sync.quota_answers import UPLOADS, quota_in, room_in
from exai_desktop.sync.session import Session, code_of, unavailable

# A page may take the server some seconds: fewer rows than it would give at most.
_PAGE: Final = 500
# Whoever claims does not wait for so long; what comes later is of no use.
_CLAIM_S: Final = 10.0
# The server knows no such function: there is no schema, or an older one.
_NO_FUNCTION: Final = frozenset({"PGRST202", "42883"})
# It takes the caller for nobody: the token has ended, or is of another project.
_NOT_SIGNED_IN: Final = "42501"


class _BatchRefusedError(EngineError):
    """Something in it cannot be read at all, or it is too large."""

    def __init__(self, why: str) -> None:
        super().__init__(ErrorCode.PROJECT_REFUSED, why)
        self.why = why


class Project:
    """`core.mirror.operations.RecordServer` of one session."""

    def __init__(self, client: ProjectClient, session: Session) -> None:
        self._client = client
        self._session = session

    async def apply(
        self, device_id: str, operations: Sequence[Operation]
    ) -> Sequence[OperationAnswer]:
        try:
            rows = await self._call(
                "exai_apply",
                {"p_device": device_id, "p_ops": [each.as_json() for each in operations]},
            )
        except _BatchRefusedError as error:
            if len(operations) == 1:
                return [OperationAnswer(operations[0].id, AnswerStatus.REFUSED, code=error.why)]
            # One of them is to blame, and holds up no other. Each has an id of its own: what the
            # server has carried out already is answered as before.
            middle = len(operations) // 2
            halves = operations[:middle], operations[middle:]
            return [answer for half in halves for answer in await self.apply(device_id, half)]
        try:
            answers = [_answer(row) for row in rows]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _no_answer() from error
        if [each.id for each in answers] != [each.id for each in operations]:
            raise _no_answer()
        return answers

    async def pull(self, after: int, witness: str | None) -> ChangePage:
        found = await self._call(
            "exai_pull", {"p_after": after, "p_limit": _PAGE, "p_witness": witness}
        )
        try:
            if found["restart"]:
                return ChangePage((), 0, more=False, restart=True)
            changes = [Change(c["kind"], c["id"], dict(c["data"])) for c in found["changes"]]
            page = ChangePage(changes, int(found["next"]), more=bool(found["more"]))
        except (KeyError, TypeError, ValueError) as error:
            raise _no_answer() from error
        if page.more and page.next <= after:
            raise _no_answer()  # it would never end
        return page

    async def look(self, within_s: float) -> ProjectFacts:
        """Raises SCHEMA_MISSING, SCHEMA_TOO_OLD, SESSION_ENDED."""
        status = await self._status(within_s)
        schema = status["schema"]
        if schema < SCHEMA:
            why = f"the project has version {schema}, this program needs {SCHEMA}"
            raise EngineError(ErrorCode.SCHEMA_TOO_OLD, why)
        answer = await self._client.ask("GET", "/auth/v1/settings", within_s=within_s)
        settings = value_of(answer) if answer.is_success else None
        closed = settings.get("disable_signup") if isinstance(settings, dict) else None
        return ProjectFacts(
            schema, not closed if isinstance(closed, bool) else None, quota_in(status)
        )

    async def quota(self) -> Quota | None:
        """What it has counted of the files at the providers; None before the first row."""
        return quota_in(await self._status(ANSWER_S))

    async def _status(self, within_s: float) -> dict[str, Any]:
        status = await self._call("exai_status", {}, within_s=within_s)
        if not isinstance(status, dict) or not isinstance(status.get("schema"), int):
            raise EngineError(ErrorCode.SCHEMA_MISSING)
        if status.get("user") != self._session.stored.user_id:
            raise EngineError(ErrorCode.SESSION_ENDED, "the project answered for another user")
        return status

    async def reserve(self, reservation: Reservation, within_s: float) -> RoomAnswer:
        """Room for one file at the providers; asked again with the same id, the same room."""
        asked = {"p_id": reservation.id, "p_bytes": reservation.size, "p_pool": UPLOADS}
        try:
            return room_in(await self._call("exai_reserve", asked, within_s=within_s))
        except (KeyError, TypeError, ValueError) as error:
            raise _no_answer() from error

    async def settle(self, reservation_id: str) -> None:
        """Give it back. What is settled already, or was never granted, stays as it is."""
        await self._call("exai_settle", {"p_id": reservation_id, "p_to": "released"})

    async def reserve_copy(self, number: str, size: int) -> CopyRoom:
        """Room for a copy in Storage. That there is none is no error: the answer says so."""
        found = await self._call("exai_reserve", {"p_id": number, "p_bytes": size})
        if not isinstance(found, dict):
            raise _no_answer()
        left, largest = found.get("left"), found.get("max_file_size")
        return CopyRoom(
            found.get("granted") is True,
            found["state"] if isinstance(found.get("state"), str) else None,
            left if isinstance(left, int) else None,
            largest if isinstance(largest, int) else None,
        )

    async def settle_copy(self, number: str, to: str) -> str | None:
        found = await self._call("exai_settle", {"p_id": number, "p_to": to})
        state = found.get("state") if isinstance(found, dict) else None
        return state if isinstance(state, str) else None

    async def claim(self, target: MirrorTarget, key: str, seconds: int) -> GrantedClaim | None:
        asked = {"p_key": key, "p_device": target.device_id, "p_seconds": seconds}
        found = await self._call("exai_claim", asked, within_s=_CLAIM_S)
        try:
            if found["held"] is not True:
                return None
            fence, note = int(found["fence"]), found["note"]
        except (KeyError, TypeError, ValueError) as error:
            raise _no_answer() from error
        return GrantedClaim(target, key, fence, note if isinstance(note, dict) else None)

    async def claim_step(
        self, claim: GrantedClaim, step: ClaimStep, seconds: int, note: Mapping[str, Any] | None
    ) -> bool:
        asked = {"p_key": claim.key, "p_fence": claim.fence, "p_step": step.value}
        asked |= {"p_note": note, "p_seconds": seconds}
        found = await self._call("exai_claim_step", asked, within_s=_CLAIM_S)
        if not isinstance(found, bool):
            raise _no_answer()
        return found

    async def tidy(self) -> None:
        """Old answers and deleted rows go; records and the audit trail stay."""
        await self._call("exai_tidy", {})

    async def _call(
        self, function: str, arguments: Mapping[str, Any], *, within_s: float = ANSWER_S
    ) -> Any:
        """Always as the user: without a token nothing is asked."""
        token = await self._session.token()
        path = f"/rest/v1/rpc/{function}"
        answer = await self._client.ask("POST", path, arguments, token=token, within_s=within_s)
        if _is_of_nobody(answer):
            token = await self._session.token(refused=token)
            answer = await self._client.ask("POST", path, arguments, token=token, within_s=within_s)
        if answer.is_success:
            return value_of(answer)
        raise _failure(answer)


def _is_of_nobody(answer: Answer) -> bool:
    return answer.status == 401 or (answer.status == 403 and code_of(answer) == _NOT_SIGNED_IN)


def _failure(answer: Answer) -> EngineError:
    code = code_of(answer)
    why = f"it answered {answer.status} {code}".rstrip()
    if code in _NO_FUNCTION:
        return EngineError(ErrorCode.SCHEMA_MISSING)
    later = unavailable(answer)
    if later is not None:
        # 21000 and the like come with 500; of our functions none does.
        return EngineError(later.code, later.detail)
    if _is_of_nobody(answer):
        return EngineError(ErrorCode.SESSION_ENDED, why)
    if answer.status in (400, 413, 422):
        return _BatchRefusedError(code or str(answer.status))
    return EngineError(ErrorCode.PROJECT_REFUSED, why)


def _no_answer() -> EngineError:
    return EngineError(ErrorCode.PROJECT_UNREACHABLE, "the answer is not valid")


def _answer(row: Mapping[str, Any]) -> OperationAnswer:
    current = row.get("current")
    return OperationAnswer(
        row["id"],
        AnswerStatus(row["status"]),
        row.get("rev"),
        str(row.get("code") or ""),
        current if isinstance(current, dict) else None,
    )
