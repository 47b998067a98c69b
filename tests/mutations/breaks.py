"""The safety rules, each with one way to break it. `old` stands in its file exactly once."""

from __future__ import annotations

from typing import Final, NamedTuple


class Break(NamedTuple):
    rule: str
    file: str
    old: str
    new: str
    test: str


SEND: Final = "engine/upload/send.py"
FAILURES: Final = "engine/upload/failures.py"
HISTORIES: Final = "tests/simulation/test_histories.py::test_whatever_happens_the_promises_hold"

BREAKS: Final = (
    Break(
        "The intent is recorded on disk before the first byte is sent",
        SEND,
        "            S.SENDING,\n            attempt=attempt,",
        "            S.SENDING,\n            attempt=None,",
        "tests/engine/upload/test_intent.py::test_the_intent_is_on_disk_while_the_first_byte_leaves",
    ),
    Break(
        "After a crash, an upload in progress is looked up, not sent again",
        "core/jobs/states.py",
        "S.SENDING: S.UNCERTAIN}",
        "S.SENDING: S.WAITING}",
        "tests/engine/upload/test_restart.py::test_sending_that_had_arrived_is_adopted_not_sent_again",
    ),
    Break(
        "A lost answer makes the job uncertain",
        FAILURES,
        "if error.sent is not Sent.NOTHING and not error.is_answer and not local:",
        "if False:",
        "tests/engine/upload/test_failures.py::test_a_lost_answer_is_settled_by_the_list_not_by_sending_again",
    ),
    Break(
        "A file counts as absent after two checks, one settle time apart",
        "engine/reconciliation/reconciler.py",
        "LOOKS_NEEDED: Final = 2",
        "LOOKS_NEEDED: Final = 1",
        "tests/engine/upload/test_intent.py::test_a_file_that_shows_up_after_the_first_look_is_found_by_the_second",
    ),
    Break(
        "A file is ours only if it was created after the attempt began",
        "engine/reconciliation/list_matching.py",
        "remote.created_at >= suspect.started_at - skew_s)",
        "True)",
        "tests/engine/upload/test_failures.py::test_an_old_file_of_the_same_name_is_not_taken_for_ours",
    ),
    Break(
        "The settle time adapts to slow answers",
        "core/accounts/delays.py",
        "return max(least, min(LONGEST_S, FACTOR * slowest))",
        "return least",
        "tests/unit/core/test_quota.py::test_a_slow_provider_gets_three_times_its_slowest_answer",
    ),
    Break(
        "The last block is sent only if the bytes are those that were checked",
        "net/file_body.py",
        "if self._digest.hexdigest() != self._upload.sha256:",
        "if False:",
        "tests/unit/net/test_file_body.py::test_without_proof_the_last_block_stays",
    ),
    Break(
        "A file that changes while it is read gets no hash",
        "engine/files/open_file.py",
        "if done != file.id.size or file.has_changed():",
        "if done != file.id.size:",
        "tests/unit/engine/test_open_file.py::test_a_file_that_changes_while_it_is_hashed_has_no_hash",
    ),
    Break(
        "Only regular files are opened",
        "engine/files/open_file.py",
        "if not stat.S_ISREG(found.st_mode):",
        "if False:",
        "tests/unit/engine/test_open_file.py::test_what_is_no_regular_file_is_refused_at_once",
    ),
    Break(
        "Done means the provider reports our size",
        "engine/upload/confirm.py",
        "if remote.bytes != job.size:",
        "if False:",
        "tests/engine/upload/test_main_path.py::test_another_size_at_the_provider_is_never_done",
    ),
    Break(
        "The same content is never sent twice at the same time",
        "storage/migrations/m0001_first.py",
        "CREATE UNIQUE INDEX jobs_in_flight",
        "CREATE INDEX jobs_in_flight",
        "tests/contracts/storage/test_job_twins.py::test_the_same_content_is_not_in_flight_twice",
    ),
    Break(
        "Content that is already at the provider is not sent again",
        "storage/record/job_moves.py",
        "if copy is not None:\n            raise TwinPresentError(copy)\n        if",
        "if",
        "tests/contracts/storage/test_job_twins.py::test_the_same_content_is_not_sent_when_it_is_there",
    ),
    Break(
        "A stored file is checked before its ID is used again",
        "engine/upload/reuse.py",
        "    if is_fresh(ctx, copy):\n        return True\n    now",
        "    if copy:\n        return True\n    now",
        "tests/engine/upload/test_reuse.py::test_a_copy_deleted_at_the_provider_is_noticed_and_sent_anew",
    ),
    Break(
        "Two programs never hold the same content at the same time",
        "storage/fleet/content_locks.py",
        "            lock.acquire()\n",
        "            pass\n",
        "tests/contracts/storage/test_content_locks.py::test_four_processes_never_hold_it_at_once",
    ),
    Break(
        "Content that a crashed program may have sent is looked up first",
        "engine/upload/content_claims.py",
        "return None if any(_is_about(a, earlier) for a in asked) else earlier",
        "return None",
        "tests/engine/upload/test_claims.py::test_what_a_dead_program_may_have_sent_is_looked_for_under_its_name",
    ),
    Break(
        "The account has enough space before the first byte is sent",
        "storage/record/job_moves.py",
        "            check_room(used, view.size, move.limits)\n",
        "            pass\n",
        "tests/contracts/storage/test_holdings.py::test_of_twenty_at_once_exactly_as_many_go_as_there_is_room",
    ),
    Break(
        "An acknowledged commit survives a power failure (FULL)",
        "storage/sqlite/driver.py",
        '"PRAGMA synchronous=FULL"',
        '"PRAGMA synchronous=NORMAL"',
        "tests/contracts/storage/test_database.py::test_settings_of_the_connections",
    ),
    Break(
        "A write takes its lock first (IMMEDIATE), and a failure undoes only its own changes",
        "storage/database.py",
        'connection.execute("ROLLBACK TO one")',
        'connection.execute("SAVEPOINT two")',
        "tests/contracts/storage/test_database.py::test_a_failure_undoes_its_own_write_only",
    ),
    Break(
        "A program is refused whatever its name",
        "core/sniff/policy.py",
        "if verdict.is_program:",
        "if False:",
        "tests/hostile/test_hostile_files.py",
    ),
    Break(
        "An archive bomb is found by its directory and refused",
        "core/sniff/policy.py",
        "if bomb is not None:",
        "if False:",
        "tests/hostile/test_hostile_files.py",
    ),
    Break(
        "Another company gets a file only with consent",
        "core/routing/routing.py",
        "if wish.allow_fallback or (same_place and wish.account is None):",
        "if True:",
        "tests/unit/core/test_routing.py::test_another_company_is_asked_for_and_named_before_it_gets_a_file",
    ),
    Break(
        "A secret is never written to a log",
        "core/errors/redact.py",
        "        text = text.replace(secret, MASK)\n",
        "        pass\n",
        "tests/unit/core/test_redact.py::test_live_secrets_never_pass_in_any_form",
    ),
    Break(
        "Redirects are not followed",
        "net/http_client.py",
        "follow_redirects=False",
        "follow_redirects=True",
        "tests/unit/net/test_account_client.py",
    ),
    Break(
        "The size of an answer is limited",
        "net/account_client.py",
        "if size > MAX_ANSWER_BYTES:",
        "if False:",
        "tests/unit/net/test_account_client.py",
    ),
    Break(
        "A change of the audit trail is detected",
        "core/audit/chain.py",
        "if row.mac != mac_of(key, _sealed_values(row)):",
        "if False:",
        "tests/unit/core/test_audit_chain.py::test_any_change_to_any_field_is_found_where_it_is",
    ),
    Break(
        "A file that was scanned only in part is not called clean",
        "engine/files/clamd.py",
        'if answer == "stream: OK" and was_read_whole:',
        'if answer == "stream: OK":',
        "tests/engine/files/test_malware.py",
    ),
    Break(
        "Consent applies only to the content that was checked",
        "engine/upload/prepare.py",
        "has_lapsed = job.judged not in (None, identity)",
        "has_lapsed = False",
        "tests/engine/upload/test_consent.py::test_the_answer_is_for_the_content_that_was_judged",
    ),
    Break(
        "An unattended file is inside an allowed folder, in each part of its path",
        "core/files/path_policy.py",
        "return len(inner) >= len(outer) and all(map(self._same, outer, inner))",
        "return str(_pure(path, windows=self.windows)).startswith(folder)",
        "tests/unit/core/test_path_policy.py::test_a_path_that_tries_to_get_out_is_refused",
    ),
    Break(
        "One process owns a profile",
        "storage/user_profile/profile_lock.py",
        "            self._lock.acquire()\n",
        "            pass\n",
        "tests/contracts/storage/test_profile_lock.py",
    ),
    Break(
        "An SDK gets the last bytes of a file only if all bytes were checked",
        "net/sdk_call.py",
        "if self._digest.hexdigest() != self._upload.sha256:",
        "if False:",
        "tests/contracts/providers/test_file_provider.py::test_the_content_must_be_what_was_hashed",
    ),
    Break(
        "An SDK's second request for one call is not sent",
        "net/sdk_call.py",
        "if self._is_over or self._answer is not None:",
        "if self._is_over:",
        "tests/contracts/providers/test_tiers.py::test_a_second_request_is_not_sent",
    ),
    Break(
        "An answer of the network or the provider never leads to another transport",
        "providers/tiers/order.py",
        "except TierUnavailableError as error:\n"
        "                if self._tiers[self._current] is tier:",
        "except (TierUnavailableError, TransferError) as error:\n"
        "                if self._tiers[self._current] is tier:",
        "tests/unit/providers/test_tier_order.py::test_what_network_or_provider_said_never_steps_down",
    ),
    Break(
        "A simulated history shows: after a crash while sending, the list is checked",
        "core/jobs/states.py",
        "S.SENDING: S.UNCERTAIN}",
        "S.SENDING: S.WAITING}",
        HISTORIES,
    ),
    Break(
        "A simulated history shows: a file of another job is not adopted",
        "engine/reconciliation/reconciler.py",
        "unknown = [r for r in listed if r.id not in known]",
        "unknown = list(listed)",
        HISTORIES,
    ),
    Break(
        "A simulated history shows: similar files are never sent at the same time",
        "engine/scheduling/scheduler.py",
        "if holder is not None and holder != job.id:",
        "if False:",
        HISTORIES,
    ),
    Break(
        "A simulated history shows: content already at the provider is not sent",
        "storage/record/job_moves.py",
        "        if copy is not None:\n            raise TwinPresentError(copy)\n"
        "        if move.limits",
        "        if move.limits",
        HISTORIES,
    ),
    Break(
        "A simulated history shows: every open job continues after a start",
        "engine/reconciliation/restart.py",
        "elif not _is_in_line(ctx, job):",
        "elif False:",
        HISTORIES,
    ),
    Break(
        "A simulated history shows: a job that waits for another one continues",
        "engine/scheduling/scheduler.py",
        "        if view.id not in self._reserved.values():\n"
        "            self._parking.wake(view.id)",
        "        del old",
        HISTORIES,
    ),
    Break(
        "A file that may have been stored late is not adopted without asking",
        "engine/reconciliation/reconciler.py",
        "if lost.sha256 != job.sha256 and",
        "if False and",
        "tests/engine/upload/test_late_files.py::test_what_turns_up_late_is_not_adopted_for_another_content",
    ),
    Break(
        "Only one of many jobs tests a paused account",
        "core/accounts/breaker.py",
        "if until is not None and until > now and not wanted:",
        "if breaker.phase is Phase.OPEN and until is not None and until > now and not wanted:",
        "tests/unit/core/test_breaker.py::test_of_twenty_callers_one_gets_through",
    ),
    Break(
        "Refusals and a missing network never pause an account",
        "engine/accounts/breakers.py",
        "return Verdict.FAULT if is_network_up else Verdict.NEUTRAL",
        "return Verdict.FAULT",
        "tests/engine/accounts/test_breaker.py::test_refusals_and_a_missing_network_never_count",
    ),
    Break(
        "A breaker survives a restart",
        "engine/service/engine.py",
        "await self._ctx.breakers.load(",
        "([",
        "tests/engine/accounts/test_breaker.py::test_it_stays_left_alone_over_a_restart",
    ),
    Break(
        "An imported file can still be adopted by the upload whose answer was lost",
        "engine/reconciliation/reconciler.py",
        "if copy.origin is CopyOrigin.SENT}",
        "if copy.state != 'foreign'}",
        "tests/engine/provider_files/test_remote_files.py::test_what_was_imported_too_early_is_given_to_its_job",
    ),
    Break(
        "A file not uploaded by this app is not deleted before it is imported",
        "engine/provider_files/remote_files.py",
        "if copy.state is C.FOREIGN:",
        "if False:",
        "tests/engine/provider_files/test_remote_files.py::test_a_file_of_others_is_not_deleted",
    ),
    Break(
        "The text of a file is deleted with the file",
        "engine/provider_files/remote_files.py",
        "        await forget_text(ctx, copy)\n",
        "",
        "tests/engine/provider_files/test_texts.py::test_a_text_goes_with_its_file",
    ),
    Break(
        "Nothing of a deleted text is left on the disk",
        "storage/sqlite/driver.py",
        '("journal_mode=DELETE", "synchronous=NORMAL", "secure_delete=ON")',
        '("journal_mode=DELETE", "synchronous=NORMAL", "secure_delete=OFF")',
        "tests/contracts/storage/test_texts.py::test_nothing_of_a_dropped_text_is_left_on_the_disk",
    ),
    Break(
        "A folder rule also applies to waiting files",
        "engine/upload/send.py",
        "    if not await may_still_have(ctx, job):",
        "    if False:",
        "tests/engine/upload/test_folder_rules.py::test_a_new_rule_holds_for_what_waits_already",
    ),
    Break(
        "A link does not bypass a folder rule",
        "engine/upload/routes.py",
        "(job.path, ctx.real_paths.get(job.id, job.path))",
        "(job.path,)",
        "tests/engine/upload/test_folder_rules.py::test_a_link_does_not_lead_around_a_rule",
    ),
    Break(
        "A computer that lost its claim does not send the last block",
        "engine/upload/upload_body.py",
        "if not self._is_ours():",
        "if False:",
        "tests/engine/upload/test_fleet.py::test_who_has_lost_its_lease_keeps_the_last_block_back",
    ),
    Break(
        "A limit applies to all computers together",
        "storage/fleet/redis_turns.py",
        "if count < most then",
        "if true then",
        "tests/contracts/storage/test_turns.py::test_twenty_a_second_over_four_processes",
    ),
    Break(
        "No block is sent before the speed limit allows it",
        "net/file_body.py",
        "may_leave(len(block))\n            self._about_to_send(Sent.ALL if",
        "may_leave(0)\n            self._about_to_send(Sent.ALL if",
        "tests/contracts/providers/test_file_provider.py::test_a_limit_of_speed_holds_and_progress_stays_alive",
    ),
)
