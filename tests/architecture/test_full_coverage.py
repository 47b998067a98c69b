"""Files whose every branch is covered by the unit tests of core alone. The list only grows."""

import json
import subprocess
import sys

import pytest

from .source_tree import PACKAGE, ROOT

CORE = PACKAGE / "core"

# Module of core → the test files that speak of it; all of them together must reach every branch.
FULL = {
    "__init__": [],
    "accounts/__init__": [],
    "audit/__init__": [],
    "copies/__init__": [],
    "errors/__init__": [],
    "files/__init__": [],
    "jobs/__init__": [],
    "routing/__init__": [],
    "accounts/accounts": ["test_accounts", "test_routing"],
    "accounts/delays": ["test_backoff", "test_pace", "test_quota"],
    "accounts/health": ["test_breaker", "test_health"],
    "accounts/secret_store": ["test_secret_store"],
    "audit/activity": ["test_activity"],
    "audit/audit": ["test_audit_chain"],
    "addresses": ["test_addresses"],
    "audit/check": ["test_audit_chain"],
    "audit/signing": ["test_audit_signing"],
    "copies/models": ["test_states"],
    "copies/lights": ["test_lights"],
    "copies/queries": ["test_lights", "test_remote", "test_state_words"],
    "copies/store": ["test_events"],
    "copies/words": ["test_state_words", "test_states"],
    "errors/codes": ["test_errors"],
    "errors/former_names": ["test_error_names"],
    "errors/redact": ["test_redact"],
    "errors/table": ["test_errors"],
    "errors/tree": ["test_errors"],
    "events": ["test_events", "test_metrics"],
    "files/files": ["test_checks", "test_consent", "test_scans"],
    "files/mounts": ["test_watched_values"],
    "files/names": ["test_names"],
    "files/path_policy": ["test_path_policy"],
    "jobs/claims": ["test_claims"],
    "jobs/history": ["test_history"],
    "jobs/jobs": [
        "test_consent",
        "test_events",
        "test_job_models",
        "test_progress",
        "test_states",
    ],
    "jobs/line": ["test_line"],
    "jobs/ranges": ["test_ranges"],
    "jobs/reasons": ["test_reasons"],
    "jobs/receipt_forms": ["test_receipt_forms"],
    "jobs/receipts": ["test_receipt_forms"],
    "jobs/recovery": ["test_quota"],
    "jobs/states": ["test_state_words", "test_states"],
    "jobs/store": ["test_events", "test_move_stages"],
    "jobs/watched_folders": ["test_watched_values"],
    "jobs/words": ["test_state_words"],
    "machine": ["test_surroundings", "test_update_status"],
    "mirror/__init__": [],
    "mirror/claims": ["test_mirror"],
    "mirror/link": ["test_mirror"],
    "mirror/operations": ["test_mirror"],
    "mirror/quota": ["test_mirror"],
    "mirror/service": ["test_mirror"],
    "mirror/sign_in": ["test_mirror"],
    "mirror/status": ["test_mirror"],
    "mirror/storage_copies": ["test_storage_copies"],
    "planning/__init__": [],
    "planning/draft": ["test_draft"],
    "planning/kinds": ["test_draft"],
    "planning/plan": ["test_draft", "test_planner"],
    "planning/planned_files": ["test_draft"],
    "planning/planner": ["test_draft", "test_planner"],
    "planning/service": ["test_service"],
    "routing/capabilities": ["test_capabilities", "test_routing"],
    "routing/folder_rules": ["test_folder_rules"],
    "routing/routing": ["test_quota", "test_routing"],
    "service": ["test_service"],
    "settings/__init__": [],
    "settings/amounts": ["test_setting_amounts"],
    "settings/imports": ["test_setting_imports"],
    "settings/table": ["test_setting_table"],
    "settings/values": ["test_folder_rules", "test_path_policy", "test_settings"],
    "settings/window": ["test_window_settings"],
}

# Nothing but the signatures of protocols.
NO_LOGIC = {"accounts/ports", "audit/ports", "copies/provider"}

# Folders whose tests are still being written; this line only gets shorter.
NOT_YET = ("sniff/",)

# Nothing is ever taken out: what is folded into another module is covered there.
AT_LEAST = 47

SETTINGS = """
[run]
branch = true
source = exai_desktop.core
[report]
exclude_also =
    ^ *\\.\\.\\.$
"""


@pytest.fixture(scope="module")
def covered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Module of core → lines and branches that were not reached."""
    folder = tmp_path_factory.mktemp("coverage")
    (folder / "settings").write_text(SETTINGS, encoding="utf-8")
    coverage = [sys.executable, "-m", "coverage"]
    common = [f"--rcfile={folder / 'settings'}", f"--data-file={folder / 'data'}"]
    tests = sorted({f"tests/unit/core/{name}.py" for names in FULL.values() for name in names})
    # Warnings are not this test's matter, nor is a test that fails: it fails where it belongs.
    options = ["-q", "--no-header", "-p", "no:cacheprovider", "--hypothesis-profile=reach"]
    pytest_run = ["-m", "pytest", *options, *tests]
    ran = _run([*coverage, "run", *common, *pytest_run])
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    report = _run([*coverage, "json", *common, "-q", "-o", str(folder / "report.json")])
    assert report.returncode == 0, report.stdout + report.stderr
    files = json.loads((folder / "report.json").read_text(encoding="utf-8"))["files"]
    return {
        _module(name): [
            *(f"line {line}" for line in file["missing_lines"]),
            *(f"branch {start} → {end}" for start, end in file["missing_branches"]),
        ]
        for name, file in files.items()
    }


def _module(path: str) -> str:
    return (ROOT / path).relative_to(CORE).with_suffix("").as_posix()


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=580, cwd=ROOT
    )


@pytest.mark.early
@pytest.mark.parametrize("module", FULL)
def test_every_branch_is_covered(module: str, covered: dict[str, list[str]]) -> None:
    assert module in covered, f"core/{module}.py is gone; the list only grows"
    missing = ", ".join(covered[module])
    assert not missing, f"core/{module}.py is not covered at {missing}"


def test_the_list_only_grows_and_holds_all_of_core() -> None:
    assert len(FULL) >= AT_LEAST
    modules = {_module(str(path)) for path in CORE.rglob("*.py")}
    new = {name for name in modules - set(FULL) - NO_LOGIC if not name.startswith(NOT_YET)}
    assert not new, f"cover these by tests/unit, then add them to FULL: {sorted(new)}"
