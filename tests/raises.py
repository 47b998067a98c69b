"""Each error code with a test in which the program itself raises it.

`conftest.py` watches these tests: one that ends without its code having been raised by the
program fails, whatever it asserts. docs/errors.md names them. Only tests that run the code in
their own process can stand here.
"""

from typing import Final

_KIMI: Final = "tests/contracts/providers/test_file_provider.py::test_{}[http-kimi-intl{}]"
_FAULT: Final = "each_fault_is_told_for_what_it_is"
_HOSTILE: Final = "tests/hostile/test_hostile_files.py::test_hostile_file[{}]"
_MAIN: Final = "tests/engine/upload/test_main_path.py::test_"
_FAILURES: Final = "tests/engine/upload/test_failures.py::test_"
_PLANS: Final = "tests/engine/service/test_plans.py::test_"
_BREAKER: Final = "tests/engine/accounts/test_breaker.py::test_"
_REFUSALS: Final = "tests/engine/upload/test_refused_requests.py::test_"
_SCANNER: Final = "tests/unit/engine/test_scanner.py::test_"
_UNREADABLE: Final = "tests/unit/engine/test_unreadable.py::test_"
_KEYS: Final = "tests/unit/config/test_config_credentials.py::test_"
_KEYRING: Final = "tests/unit/config/test_config_secret_store.py::test_"
_VAULT: Final = "tests/unit/config/test_config_vault.py::test_"
_FOLDER: Final = (
    "tests/unit/config/test_config_paths.py::test_what_the_system_says_of_the_folder_is_told[{}]"
)
_PROXIES: Final = "tests/unit/net/test_proxies.py::test_"
_CLIENT: Final = "tests/unit/net/test_account_client.py::test_"
_ANSWERS: Final = "tests/unit/providers/test_provider_answers.py::test_"
_SHARED: Final = "tests/engine/provider_files/test_shared_ids.py::test_"
_UPDATE: Final = "tests/engine/service/test_updates.py::test_"
_SETTINGS: Final = "tests/engine/service/test_settings_verbs.py::test_"
_COPIES: Final = "tests/supabase/test_storage_copies.py::test_"
_WATCHED: Final = "tests/engine/service/test_watched_folders.py::test_"
_BACKUPS: Final = "tests/faults/test_backup_file.py::test_"
_DAMAGED: Final = "tests/faults/test_damaged_database.py::test_"

_ROOM: Final = "tests/engine/upload/test_shared_quota.py::test_"
_SESSION: Final = "tests/supabase/test_session.py::test_"
_KEY: Final = f"{_SESSION}a_key_that_opens_everything_is_refused_before_anything_is_sent"
_SAID: Final = f"{_SESSION}what_the_project_may_answer"

_WAYS: Final = "tests/supabase/test_sign_in_ways.py::test_"

RAISES: Final[dict[str, str]] = {
    "WINDOW_NOT_ANSWERING": (
        "tests/engine/service/test_window_wishes.py"
        "::test_files_that_no_window_takes_are_told_and_not_added_later"
    ),
    "LOGIN_START_NOT_CHANGED": (
        "tests/unit/config/test_login_start.py::test_a_folder_that_cannot_be_written_is_told"
    ),
    "LINK_EXPIRED": f"{_WAYS}a_link_that_is_no_more[used]",
    "SIGN_IN_NOT_COMPLETED": f"{_WAYS}nobody_opens_the_link",
    "LINK_OF_ANOTHER_SIGN_IN": f"{_WAYS}a_code_of_another_try_opens_nothing",
    "REDIRECT_NOT_ALLOWED": (
        f"{_WAYS}a_project_that_sends_the_browser_elsewhere_is_found_before_a_mail"
    ),
    "SIGN_IN_WAY_DISABLED": f"{_WAYS}what_a_provider_and_its_project_may_say",
    "MAIL_LIMIT": f"{_WAYS}mails_are_limited",
    "USER_UNKNOWN": f"{_WAYS}no_user_is_made[link]",
    "CODE_WRONG": f"{_WAYS}a_code_signs_in_after_a_wrong_one",
    "SIGN_IN_DENIED": f"{_WAYS}what_a_provider_and_its_project_may_say",
    "SIGN_UPS_OPEN": f"{_WAYS}what_a_provider_and_its_project_may_say",
    "PROJECT_ADDRESS": f"{_SESSION}what_is_no_address_of_a_project_is_refused[name.supabase.co]",
    "SECRET_KEY_GIVEN": f"{_KEY}[key2-SECRET_KEY_GIVEN]",
    "PROJECT_KEY_INVALID": f"{_KEY}[-PROJECT_KEY_INVALID]",
    "SIGN_IN_REFUSED": f"{_SAID}[answer0-SIGN_IN_REFUSED]",
    "EMAIL_NOT_CONFIRMED": f"{_SAID}[answer2-EMAIL_NOT_CONFIRMED]",
    "NOT_SIGNED_IN": f"{_SESSION}nothing_is_asked_as_nobody",
    "SESSION_ENDED": f"{_SESSION}only_the_project_ends_a_session",
    "PROJECT_UNREACHABLE": f"{_SESSION}offline_the_session_is_kept",
    "PROJECT_ASLEEP": f"{_SAID}[answer8-PROJECT_ASLEEP]",
    "SCHEMA_MISSING": f"{_SESSION}a_project_without_our_tables[answer0-SCHEMA_MISSING]",
    "SCHEMA_TOO_OLD": f"{_SESSION}a_project_without_our_tables[answer3-SCHEMA_TOO_OLD]",
    "PROJECT_REFUSED": f"{_SAID}[answer4-PROJECT_REFUSED]",
    "SHARED_QUOTA_REACHED": f"{_ROOM}without_room_a_file_is_held_and_goes_on_after_a_contact",
    "SHARED_FILE_LIMIT": f"{_ROOM}a_file_that_is_too_large_for_the_project_is_held",
    "STRICT_QUOTA_UNANSWERED": f"{_ROOM}in_the_strict_mode_nothing_is_sent_without_an_answer",
    "STORAGE_NOT_READY": f"{_COPIES}no_bucket_and_no_policies",
    "STORAGE_FORBIDDEN": f"{_COPIES}no_bucket_and_no_policies",
    "COPY_TOO_LARGE": f"{_COPIES}too_large_for_the_project",
    "COPY_OVER_QUOTA": f"{_COPIES}no_room_left",
    "COPY_SOURCE_CHANGED": f"{_COPIES}what_has_changed_since_is_not_sent",
    "COPY_REFUSED": f"{_COPIES}another_file_lies_there",
    "NO_COPY": f"{_COPIES}a_whole_copy_and_back",
    "COPY_DAMAGED": f"{_COPIES}a_damaged_copy_is_not_written",
    "COPIES_OFF": f"{_COPIES}switched_off_nothing_leaves",
    "COPY_NOT_WRITTEN": f"{_COPIES}a_whole_copy_and_back",
    "CLAIM_UNANSWERED": (
        "tests/contracts/claims/test_project_claims.py::test_behind_the_pause_it_is_asked_again"
    ),
    "PROFILE_IN_USE": f"{_BACKUPS}while_the_program_runs_nothing_is_restored",
    "BACKUP_DAMAGED": f"{_BACKUPS}one_that_was_cut_is_refused_wherever",
    "BACKUP_NEWER": f"{_BACKUPS}of_another_program_or_a_newer_one",
    "BACKUP_NOT_WRITTEN": f"{_BACKUPS}a_backup_replaces_nothing_but_a_backup",
    "PATH_TRAVERSAL": (
        "tests/engine/files/test_unattended.py::test_without_an_allowed_folder_nothing_is_taken"
    ),
    "MALWARE_DETECTED": (
        "tests/engine/files/test_malware.py::test_malware_is_refused_and_stays_refused"
    ),
    "NOT_SCANNED": (
        "tests/engine/files/test_malware.py::test_a_required_scan_holds_the_file_until_it_can_be_made"
    ),
    "CIRCUIT_BREAKER_OPEN": f"{_BREAKER}five_faults_in_a_row_and_the_account_is_left_alone",
    "ALL_PROVIDERS_UNAVAILABLE": f"{_BREAKER}when_all_are_left_alone_it_is_said",
    "PLACE_NOT_ALLOWED": (
        "tests/engine/upload/test_folder_rules.py::test_an_account_the_rule_forbids_gets_nothing"
    ),
    "ERROR_RATE_HIGH": (
        "tests/engine/accounts/test_health.py::test_many_faults_are_said_once_and_once_when_they_are_over"
    ),
    "ALMOST_FULL": (
        "tests/engine/accounts/test_health.py::test_an_account_that_fills_up_is_said_at_80_and_at_95_percent"
    ),
    "FLEET_UNREACHABLE": (
        "tests/contracts/storage/test_state_store.py::"
        "test_a_redis_that_is_gone_is_named_and_its_address_is_not"
    ),
    "FLEET_TAMPERED": (
        "tests/engine/upload/test_hostile_redis.py::"
        "test_fifty_uploads_beside_a_client_that_forges_at_random"
    ),
    "QUOTA_EXCEEDED": (
        "tests/engine/accounts/test_room.py::test_the_users_own_limit_holds_what_is_too_much"
    ),
    "CONCURRENT_UPLOAD": (
        "tests/engine/upload/test_claims.py::test_the_second_waits_with_a_reason_and_takes_over_the_id"
    ),
    "FILE_NOT_FOUND": f"{_MAIN}bad_input_has_a_row_and_a_code_each",
    "NOT_A_FILE": f"{_SCANNER}what_is_no_regular_file_is_refused_without_being_opened",
    "DANGLING_LINK": f"{_SCANNER}links_that_lead_nowhere_are_refused_by_name",
    "FILE_UNREADABLE": f"{_UNREADABLE}a_file_without_permission",
    "FOLDER_UNREADABLE": f"{_UNREADABLE}a_folder_without_permission",
    "FOLDER_SKIPPED": f"{_SCANNER}a_folder_of_tools_is_skipped_and_shown_unless_it_was_dropped",
    "EMPTY_FOLDER": f"{_SCANNER}an_empty_folder_is_a_row_of_its_own",
    "SYSTEM_FILE": f"{_SCANNER}files_refused_by_name_or_size_say_why",
    "EMPTY_FILE": _HOSTILE.format("empty as empty.txt"),
    "FILE_TOO_LARGE": "tests/unit/core/test_capabilities.py::test_a_wanted_purpose_is_kept_to",
    "INVALID_FILE_TYPE": _HOSTILE.format("unknown as noise.xyz"),
    "INVALID_EXTENSION": (
        "tests/unit/core/test_capabilities.py::test_a_refusal_has_its_own_code"
        "[README-1-INVALID_EXTENSION]"
    ),
    "MALICIOUS_FILE": _HOSTILE.format("apk as apk report.pdf"),
    "ARCHIVE_NOT_TAKEN": _HOSTILE.format("7z as packed.7z"),
    "ARCHIVE_BOMB": _HOSTILE.format("docx as nested bomb.docx"),
    "CONTENT_MISMATCH": _HOSTILE.format("docx as docx.pdf"),
    "MACROS_FOUND": _HOSTILE.format("doc as macros.doc"),
    "ENCRYPTED_DOCUMENT": _HOSTILE.format("doc as password.doc"),
    "DECEPTIVE_NAME": _HOSTILE.format("text as notes.txt:hidden"),
    "SECRET_INSIDE": (
        "tests/engine/upload/test_secrets.py::test_a_key_is_asked_about_before_it_leaves"
    ),
    "FILE_DAMAGED": _HOSTILE.format("docx as bad stream.docx"),
    "FILE_CHANGED": _KIMI.format("a_file_that_changes_on_the_way_is_not_stored", "-grow"),
    "READ_FAILED": (
        "tests/unit/engine/test_open_file.py::test_a_file_is_closed_once_and_not_read_afterwards"
    ),
    "NO_ACCOUNT": f"{_MAIN}without_an_account_nothing_is_queued",
    "UNKNOWN_ACCOUNT": (
        f"{_MAIN}a_wish_that_no_file_can_meet_is_refused_at_once[options0-UNKNOWN_ACCOUNT]"
    ),
    "ACCOUNT_EXISTS": f"{_REFUSALS}a_name_is_given_to_one_account_only",
    "ACCOUNT_IN_USE": (
        "tests/engine/service/test_control.py"
        "::test_removing_an_account_with_open_files_is_refused_and_harms_nothing"
    ),
    "INVALID_ACCOUNT": (
        "tests/unit/config/test_config_accounts.py::test_an_account_that_makes_no_sense_is_not_saved"
    ),
    "UNUSABLE_SETTING": (
        "tests/unit/config/test_config_settings.py::"
        "test_what_another_version_wrote_stops_sending_and_is_kept"
    ),
    "INVALID_KEY_FORMAT": f"{_KEYS}the_complaint_never_holds_the_key",
    "KEY_MISSING": f"{_FAILURES}an_account_without_its_key_says_so",
    "CREDENTIAL_STORE_UNAVAILABLE": (
        f"{_KEYRING}failures_are_named_and_say_nothing_secret[error1-CREDENTIAL_STORE_UNAVAILABLE]"
    ),
    "CREDENTIAL_STORE_LOCKED": f"{_KEYRING}a_keyring_that_never_answers_is_given_up",
    "ADDRESS_CHANGED": f"{_KEYS}a_key_is_found_for_its_own_address_only",
    "VAULT_LOCKED": f"{_VAULT}without_a_passphrase_it_is_locked",
    "WRONG_PASSPHRASE": f"{_VAULT}a_wrong_passphrase_opens_nothing",
    "VAULT_DAMAGED": f"{_VAULT}a_missing_file_is_said",
    "VAULT_EXISTS": f"{_KEYRING}the_keyring_is_used_until_there_is_a_vault",
    "PROFILE_NOT_PRIVATE": (
        "tests/unit/config/test_config_paths.py::test_a_folder_of_somebody_elses_files_is_not_closed"
    ),
    "PROFILE_COPIED": (
        "tests/unit/config/test_config_profile_identity.py"
        "::test_a_copy_beside_the_profile_is_noticed"
    ),
    "AUTH_FAILED": _KIMI.format("a_wrong_key_is_told", "-unknown"),
    "PERMISSION_DENIED": _KIMI.format(_FAULT, "-403"),
    "ACCOUNT_LOCKED": f"{_ANSWERS}every_glm_code_in_every_form[1112]",
    "BALANCE_EXHAUSTED": _KIMI.format(_FAULT, "-quota"),
    "PROVIDER_FILE_LIMIT": f"{_ANSWERS}a_full_account_says_so_in_its_documented_words",
    "INVALID_PURPOSE": _KIMI.format("an_unknown_purpose_is_refused_before_sending", ""),
    "CONSENT_NEEDED": f"{_MAIN}what_the_account_does_not_take_needs_consent_for_another_company",
    "PROVIDER_REJECTED": _KIMI.format(_FAULT, "-400"),
    "CONTENT_REFUSED": f"{_ANSWERS}every_kimi_type[content_filter]",
    "NO_TEXT": _KIMI.format("content", ""),
    "PARSE_FAILED": f"{_MAIN}a_file_the_provider_cannot_read_is_failed_and_not_reused",
    "RATE_LIMITED": _KIMI.format(_FAULT, "-rate"),
    "PROVIDER_UNAVAILABLE": _KIMI.format(_FAULT, "-500"),
    "INVALID_ANSWER": _KIMI.format(_FAULT, "-garbage"),
    "SIZE_MISMATCH": f"{_MAIN}another_size_at_the_provider_is_never_done",
    "UPLOAD_CUT": f"{_CLIENT}a_server_that_stops_reading_is_given_up",
    "ANSWER_LOST": f"{_CLIENT}a_dripping_answer_ends_at_the_deadline",
    "REVIEW_NEEDED": f"{_FAILURES}a_list_that_cannot_be_had_asks_the_user",
    "FILE_GONE": f"{_SHARED}an_id_that_is_gone_is_not_given_out",
    "FILE_ID_TAKEN": (
        "tests/engine/upload/test_one_id.py::test_of_two_contents_with_one_id_the_second_is_not_done"
    ),
    "FILE_SHARED": f"{_SHARED}a_shared_id_is_not_deleted_without_an_answer",
    "REMOTE_NOT_FOUND": _KIMI.format("content", ""),
    "STILL_PROCESSING": _KIMI.format("content", ""),
    "NOT_SUPPORTED": "tests/contracts/providers/test_file_provider.py::test_content[http-zai]",
    "ATTEMPTS_EXHAUSTED": f"{_FAILURES}after_many_attempts_it_is_given_up_with_the_last_reason",
    "WRONG_STATE": f"{_REFUSALS}what_needs_no_review_cannot_be_settled",
    "UNKNOWN_JOB": "tests/engine/service/test_control.py::test_an_unknown_number_changes_nothing",
    "LEFT_OUT": f"{_PLANS}send_does_what_the_plan_says_and_the_rest_stays",
    "CHANGED_SINCE_PLAN": f"{_PLANS}a_file_that_changed_since_is_told_and_not_sent",
    "PLAN_OUTDATED": f"{_PLANS}a_plan_that_does_not_hold_any_more_adds_nothing[rule]",
    "PLAN_MOVE_REFUSED": f"{_PLANS}the_rule_of_a_folder_wins_over_a_move",
    "UNKNOWN_PLAN": f"{_PLANS}send_does_what_the_plan_says_and_the_rest_stays",
    "NOT_IN_LINE": (
        "tests/contracts/storage/test_job_line.py"
        "::test_what_is_being_sent_or_has_ended_is_not_moved"
    ),
    "FILE_MANAGERS_NOT_CHANGED": (
        "tests/unit/config/test_menu_entries.py::test_a_damaged_file_of_thunar_is_not_touched"
    ),
    "UNKNOWN_BATCH": (
        "tests/contracts/storage/test_receipts.py::test_the_newest_batch_with_files_and_one_without"
    ),
    "RECEIPT_NOT_WRITTEN": (
        "tests/engine/service/test_receipts.py::test_what_cannot_be_written_leaves_nothing_behind"
    ),
    "ANOTHER_INSTANCE": (
        "tests/contracts/storage/test_profile_lock.py::test_the_second_is_refused_and_told_by_whom"
    ),
    "ALREADY_OPEN": f"{_REFUSALS}a_second_window_of_one_profile_makes_way",
    "OWNER_GONE": (
        "tests/engine/service/test_ipc.py::test_an_owner_that_goes_away_is_told_from_one_that_refuses"
    ),
    "DATABASE_ERROR": "tests/contracts/storage/test_database.py::test_a_file_that_is_no_database",
    "DISK_FULL": "tests/contracts/storage/test_database.py::test_full_disk",
    "DISK_LOW": "tests/faults/test_full_disk.py::test_thresholds_and_what_is_said",
    "DATABASE_RECOVERED": f"{_DAMAGED}a_log_that_is_gone_is_noticed",
    "AUDIT_NOT_INTACT": (
        "tests/engine/service/test_audit_trust.py::test_a_changed_row_is_never_accepted"
    ),
    "DATABASE_PUT_BACK": (
        "tests/faults/test_put_back.py::test_what_was_sent_since_is_found_and_not_sent_again"
    ),
    "DATABASE_REBUILT": f"{_DAMAGED}without_any_sound_snapshot_the_record_begins_anew",
    "PROFILE_READ_ONLY": _FOLDER.format("EROFS"),
    "PROFILE_FORBIDDEN": _FOLDER.format("EACCES"),
    "PROFILE_PATH_TOO_LONG": _FOLDER.format("ENAMETOOLONG"),
    "SETTING_FIXED": f"{_SETTINGS}what_the_organisation_has_fixed_stays",
    "FILES_NOT_CONFIRMED": f"{_REFUSALS}a_window_that_takes_too_long_is_told",
    "QUEUE_PAUSED": (
        "tests/engine/service/test_pausing.py"
        "::test_who_follows_files_does_not_wait_for_the_end_of_a_pause"
    ),
    "SETTINGS_NOT_READ": f"{_SETTINGS}a_file_without_settings_is_refused",
    "DIAGNOSTICS_NOT_WRITTEN": "tests/gui/window/test_diagnostics.py"
    "::test_a_place_that_takes_no_file_is_told",
    "UPDATE_CHECK_OFF": f"{_UPDATE}nobody_is_asked_where_that_is_switched_off[policy]",
    "UPDATE_CHECK_FAILED": f"{_UPDATE}what_is_no_list_is_told[gone]",
    "UPDATE_FEED_REFUSED": (
        "tests/unit/config/test_release_feed.py::test_what_is_signed_but_old_or_odd_is_refused"
    ),
    "INVALID_SETTING": f"{_SETTINGS}a_bad_value_is_refused_by_its_name[theme-pink]",
    "OFFLINE": _KIMI.format("nobody_there_is_offline_and_nothing_left", ""),
    "NETWORK_ERROR": f"{_CLIENT}answers_that_never_come_whole[cut body]",
    "TLS_FAILED": f"{_PROXIES}a_certificate_for_another_name_is_not_a_matter_of_trust",
    "PROXY_AUTH_REQUIRED": f"{_PROXIES}what_a_proxy_says_has_its_own_code[asks]",
    "PROXY_REFUSED": f"{_PROXIES}what_a_proxy_says_has_its_own_code[forbids]",
    "PROXY_UNREACHABLE": f"{_PROXIES}what_a_proxy_says_has_its_own_code[no SOCKS]",
    "CERTIFICATE_UNKNOWN": (f"{_PROXIES}a_proxy_with_its_own_authority_works_once_that_is_trusted"),
    "CERTIFICATES_UNREADABLE": (
        f"{_PROXIES}certificates_that_cannot_be_read_stop_everything[gone.pem]"
    ),
    "TIMEOUT": f"{_CLIENT}a_question_nobody_answers_ends_in_time",
    "CANCELLED": "tests/engine/service/test_control.py::test_a_cancelled_file_can_be_retried",
    "UNEXPECTED_ERROR": (
        "tests/engine/service/test_ipc.py::test_garbage_gets_an_error_and_harms_nobody[{}\\n]"
    ),
    "WATCH_FOLDER_UNUSABLE": f"{_WATCHED}a_folder_that_cannot_be_watched_is_refused[relative]",
    "WATCHED_TWICE": f"{_WATCHED}a_folder_that_cannot_be_watched_is_refused[twice]",
    "WATCHED_NESTED": f"{_WATCHED}a_folder_that_cannot_be_watched_is_refused[inside]",
    "WATCH_TOO_WIDE": f"{_WATCHED}a_folder_that_cannot_be_watched_is_refused[home]",
    "IGNORE_PATTERN_INVALID": f"{_WATCHED}bad_options_are_refused[pattern]",
    "IGNORE_FILE_UNUSABLE": f"{_WATCHED}a_bad_ignore_file_stops_everything",
    "UNKNOWN_WATCH": f"{_WATCHED}paused_changed_and_removed",
    "WATCHED_FILE_CHANGED": f"{_WATCHED}nothing_is_sent_from_a_folder_that_was_replaced",
}
