"""Deliberate breaks of grants, policies, numbering and audit: the checks notice each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from .change_order import lost_changes
from .conftest import NewProject
from .project import Project
from .row_security import function_leaks, grant_leaks, row_leaks
from .trail import trail_leaks


def _lost(project: Project) -> list[str]:
    # One at a time: with sixteen, a break might hide in the crowd of those that wait.
    return lost_changes(project, writers=8, rounds=4, page=7)


class _Break(NamedTuple):
    what: str
    sql: str
    check: Callable[[Project], list[str]]


BREAKS = (
    _Break(
        "a grant to anon, behind row security that still holds",
        "grant select on exai.files to anon",
        grant_leaks,
    ),
    _Break(
        "a grant to delete",
        "grant delete on exai.devices to authenticated",
        grant_leaks,
    ),
    _Break(
        "a function that anon may call",
        "grant execute on function public.exai_status() to anon",
        grant_leaks,
    ),
    _Break(
        "EXECUTE taken from PUBLIC alone",
        "create function exai.forgotten() returns int language sql as 'select 1';"
        "revoke execute on function exai.forgotten() from public",
        grant_leaks,
    ),
    _Break(
        "a policy that lets everybody read",
        "drop policy own_select on exai.files;"
        "create policy own_select on exai.files for select to authenticated using (true)",
        row_leaks,
    ),
    _Break(
        "a policy that lets everybody change",
        "create policy more on exai.devices for update to authenticated using (true);"
        "create policy see on exai.devices for select to authenticated using (true)",
        row_leaks,
    ),
    _Break(
        "row security switched off",
        "alter table exai.file_hashes disable row level security",
        row_leaks,
    ),
    _Break(
        "a view with the rights of its owner",
        "alter view exai.file_lifecycle_sync set (security_invoker = false)",
        row_leaks,
    ),
    _Break(
        "a function that believes whose row it is",
        "create or replace function exai.claim_step(p_key text, p_fence bigint, p_step text,"
        " p_note jsonb, p_seconds int) returns boolean language sql security definer"
        " set search_path = '' as $$ update exai.content_claims set note = p_note"
        " where key = p_key and fence = p_fence returning true $$",
        function_leaks,
    ),
    _Break(
        "change numbers from a sequence",
        "create sequence exai.numbers start 100; create or replace function"
        " exai.next_change(p_owner uuid) returns bigint language sql security definer"
        " set search_path = '' as $$ select nextval('exai.numbers') $$;"
        "create or replace function exai.enter() returns uuid language sql security definer"
        " set search_path = '' as $$ insert into exai.owners values (auth.uid())"
        " on conflict do nothing; select auth.uid() $$;",
        _lost,
    ),
    _Break(
        "a trail that can be changed",
        "drop trigger append_only on exai.file_audit_trail",
        trail_leaks,
    ),
    _Break(
        "a trail that can be emptied",
        "drop trigger append_only_all on exai.file_audit_trail",
        trail_leaks,
    ),
    _Break(
        "a trail that goes with the account",
        "alter table exai.file_audit_trail add foreign key (owner) references exai.owners"
        " on delete cascade",
        trail_leaks,
    ),
)


@pytest.mark.parametrize("breach", BREAKS, ids=lambda breach: breach.what)
def test_it_is_noticed(new_project: NewProject, breach: _Break) -> None:
    project = new_project("migrated")
    project.change(breach.sql)
    assert breach.check(project) != []
