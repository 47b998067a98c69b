-- EXAI Desktop, version 1, step 3 of 5: what the server sets and counts itself.
begin;

do $$ begin
  if to_regclass('exai.schema_version') is not null then
    if exists (select 1 from exai.schema_version where version > 1) then
      raise exception 'this project already has a newer schema of EXAI Desktop'
        using hint = 'Get the files of this program''s version again; apply only what is missing.';
    end if;
  end if;
end $$;

-- The row of the owner stays locked until the commit: whoever has a later number commits later. A
-- sequence would not do (numbers become visible out of order), nor the oldest running transaction
-- (anybody's open transaction would hold everybody up).
create or replace function exai.next_change(p_owner uuid) returns bigint
language sql security definer set search_path = '' as $$
  update exai.owners set change_no = change_no + 1 where owner = p_owner returning change_no
$$;

create or replace function exai.stamp() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and (new.owner, new.id) is distinct from (old.owner, old.id) then
    raise exception 'owner and id never change' using errcode = '42501';
  end if;
  -- This runs before row security does: the counter of a stranger must not even be locked.
  if auth.uid() is not null and new.owner is distinct from auth.uid() then
    raise exception 'new row violates row-level security policy' using errcode = '42501';
  end if;
  new.rev := case tg_op when 'INSERT' then 1 else old.rev + 1 end;
  new.change_no := exai.next_change(new.owner);
  new.changed_at := clock_timestamp();
  return new;
end $$;

create or replace function exai.count_references() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  was boolean := false;
  is_now boolean := false;
begin
  if tg_op <> 'INSERT' then
    was := old.state in ('done', 'duplicate') and not old.deleted;
  end if;
  if tg_op <> 'DELETE' then
    is_now := new.state in ('done', 'duplicate') and not new.deleted;
  end if;
  if was and is_now and old.sha256 = new.sha256 and old.size = new.size then
    return null;
  end if;
  if was then
    update exai.file_hashes
    set reference_count = reference_count - 1, updated_at = clock_timestamp()
    where owner = old.owner and sha256 = old.sha256;
  end if;
  if is_now then
    insert into exai.file_hashes as h (owner, sha256, size, first_file_id, reference_count)
    values (new.owner, new.sha256, new.size, new.id, 1)
    on conflict (owner, sha256) do update
      set reference_count = h.reference_count + 1, updated_at = clock_timestamp()
      where h.size = excluded.size;
    if not found then
      raise exception 'one hash, two sizes' using errcode = '23514';
    end if;
  end if;
  return null;
end $$;

-- What lies at the providers because one of the user's devices has sent it.
create or replace function exai.count_uploads() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  files int := 0;
  bytes bigint := 0;
begin
  if tg_op <> 'INSERT' then
    if old.origin = 'sent' and old.status in ('present', 'deleting') and not old.deleted then
      files := -1;
      bytes := -old.size;
    end if;
  end if;
  if tg_op <> 'DELETE' then
    if new.origin = 'sent' and new.status in ('present', 'deleting') and not new.deleted then
      files := files + 1;
      bytes := bytes + new.size;
    end if;
  end if;
  if files <> 0 or bytes <> 0 then
    update exai.user_quotas
    set used_bytes = used_bytes + bytes, file_count = file_count + files
    where owner = coalesce(new.owner, old.owner) and pool = 'uploads';
  end if;
  return null;
end $$;

-- Also against the owner of the tables and the service role, whom row security does not stop.
create or replace function exai.append_only() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' and current_setting('exai.pruning', true) = 'on' then
    return old;
  end if;
  raise exception 'the audit trail is append-only' using errcode = '42501';
end $$;

do $$
declare
  t text;
begin
  foreach t in array array['devices', 'provider_accounts', 'files', 'platform_file_registry'] loop
    execute format('create or replace trigger stamp before insert or update on exai.%I
      for each row execute function exai.stamp()', t);
  end loop;
end $$;
create or replace trigger count_references
  after insert or delete or update of state, sha256, size, deleted on exai.files
  for each row execute function exai.count_references();
create or replace trigger count_uploads
  after insert or delete or update of status, origin, size, deleted on exai.platform_file_registry
  for each row execute function exai.count_uploads();
create or replace trigger append_only
  before update or delete on exai.file_audit_trail
  for each row execute function exai.append_only();
create or replace trigger append_only_all
  before truncate on exai.file_audit_trail
  for each statement execute function exai.append_only();

commit;
