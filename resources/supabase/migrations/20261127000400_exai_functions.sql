-- EXAI Desktop, version 1, step 4 of 5: the functions behind the doors.
-- What needs rights of its own (`security definer`) asks `auth.uid()` who calls; the rest has none.
begin;

do $$ begin
  if to_regclass('exai.schema_version') is not null then
    if exists (select 1 from exai.schema_version where version > 1) then
      raise exception 'this project already has a newer schema of EXAI Desktop'
        using hint = 'Get the files of this program''s version again; apply only what is missing.';
    end if;
  end if;
end $$;

-- The first call of every writer: the owner's rows exist, and the line is the caller's until
-- the end of the transaction.
create or replace function exai.enter() returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  me uuid := auth.uid();
begin
  if me is null then
    raise exception 'not signed in' using errcode = '42501';
  end if;
  perform 1 from exai.owners where owner = me for no key update;
  if not found then
    insert into exai.owners (owner) values (me) on conflict do nothing;
    insert into exai.user_quotas (owner, pool) values (me, 'storage'), (me, 'uploads')
      on conflict do nothing;
    perform 1 from exai.owners where owner = me for no key update;
  end if;
  return me;
end $$;

-- `p`: one row or a list of them. Returns how many were new. A row whose number the device has used
-- before is left out: a trail is written once.
create or replace function exai.note_audit(p_device uuid, p jsonb) returns bigint
language sql security definer set search_path = '' as $$
  with noted as (
    insert into exai.file_audit_trail (owner, actor, device_id, device_seq, device_at, action,
      outcome, file_id, provider, account_id, purpose, remote_id, sha256, bytes, error_code, detail,
      device_key_id, device_previous, device_mac)
    select auth.uid(), auth.uid(), p_device, r.device_seq, r.device_at, r.action,
      r.outcome, r.file_id, r.provider, r.account_id, r.purpose, r.remote_id, r.sha256, r.bytes,
      r.error_code, coalesce(r.detail, '{}'), r.device_key_id, r.device_previous, r.device_mac
    from jsonb_populate_recordset(null::exai.file_audit_trail,
      case jsonb_typeof(p) when 'array' then p else jsonb_build_array(p) end) r
    order by r.device_seq
    on conflict (owner, device_id, device_seq) do nothing
    returning 1)
  select count(*) from noted
$$;

-- A changed row. Only what `p_data` names is set: an older program does not empty what a newer one
-- has filled, and what this schema does not know is left out.
create or replace function exai.change_row(
  p_table text, p_owner uuid, p_device uuid, p_key uuid, p_base bigint, p_data jsonb)
returns jsonb language plpgsql security invoker set search_path = '' as $$
declare
  never constant text[] := array['owner', 'id', 'changed_by', 'rev', 'change_no', 'changed_at'];
  named text;
  rev bigint;
  change_no bigint;
begin
  select string_agg(format('%1$I = r.%1$I', k), ', ' order by k) into named
  from jsonb_object_keys(p_data) k
  join pg_catalog.pg_attribute c
    on c.attrelid = format('exai.%I', p_table)::regclass and c.attname = k
      and c.attnum > 0 and not c.attisdropped
  where k <> all (never);
  execute format('update exai.%1$I t set %2$s
      from jsonb_populate_record(null::exai.%1$I, $3) r
      where t.owner = $1 and t.id = $2 and t.rev = $5 returning t.rev, t.change_no',
    p_table, concat_ws(', ', 'changed_by = $4', named))
    into rev, change_no using p_owner, p_key, p_data, p_device, p_base;
  return case when rev is null then null
    else jsonb_build_object('status', 'applied', 'rev', rev, 'change_no', change_no) end;
end $$;

-- A new row, or null when there is one with this id. Without dynamic text: it is planned once for
-- each connection, and nine of ten operations are new rows.
create or replace function exai.add_row(p_table text, p_data jsonb) returns jsonb
language plpgsql security invoker set search_path = '' as $$
declare
  rev bigint;
  change_no bigint;
begin
  case p_table
    when 'files' then
      insert into exai.files as t
      select r.* from jsonb_populate_record(null::exai.files, p_data) r
      on conflict (owner, id) do nothing returning t.rev, t.change_no into rev, change_no;
    when 'platform_file_registry' then
      insert into exai.platform_file_registry as t
      select r.* from jsonb_populate_record(null::exai.platform_file_registry, p_data) r
      on conflict (owner, id) do nothing returning t.rev, t.change_no into rev, change_no;
    when 'provider_accounts' then
      insert into exai.provider_accounts as t
      select r.* from jsonb_populate_record(null::exai.provider_accounts, p_data) r
      on conflict (owner, id) do nothing returning t.rev, t.change_no into rev, change_no;
    when 'devices' then
      insert into exai.devices as t
      select r.* from jsonb_populate_record(null::exai.devices, p_data) r
      on conflict (owner, id) do nothing returning t.rev, t.change_no into rev, change_no;
    when 'file_health_checks' then
      insert into exai.file_health_checks
      select r.* from jsonb_populate_record(null::exai.file_health_checks, p_data) r
      on conflict (owner, id) do nothing;
      return '{"status": "applied"}';
    when 'file_recovery_attempts' then
      insert into exai.file_recovery_attempts
      select r.* from jsonb_populate_record(null::exai.file_recovery_attempts, p_data) r
      on conflict (owner, id) do nothing;
      return '{"status": "applied"}';
  end case;
  return case when rev is null then null
    else jsonb_build_object('status', 'applied', 'rev', rev, 'change_no', change_no) end;
end $$;

-- One operation: {id, kind, key, base_rev, data}. Without `base_rev` the device takes the row for
-- new. What it must not set is laid over `data` here, and again by the triggers. A later version
-- that adds a column which must not be null puts its default here, for older programs.
create or replace function exai.apply_one(p_owner uuid, p_device uuid, p jsonb) returns jsonb
language plpgsql security invoker set search_path = '' as $$
declare
  kind constant text := p ->> 'kind';
  base constant bigint := (p ->> 'base_rev')::bigint;
  key constant uuid := (p ->> 'key')::uuid;
  tab constant text := case kind
    when 'device' then 'devices' when 'account' then 'provider_accounts' when 'file' then 'files'
    when 'copy' then 'platform_file_registry' when 'check' then 'file_health_checks'
    when 'attempt' then 'file_recovery_attempts' end;
  answer jsonb;
  current jsonb;
begin
  if kind = 'audit' then
    return jsonb_build_object('status', 'applied', 'new', exai.note_audit(p_device, p -> 'data'));
  elsif tab is null then
    raise exception 'unknown kind %', kind using errcode = '22023';
  elsif jsonb_typeof(p -> 'data') is distinct from 'object' then
    raise exception 'an operation has data' using errcode = '22023';
  elsif base is not null and kind not in ('check', 'attempt') then
    answer := exai.change_row(tab, p_owner, p_device, key, base, p -> 'data');
  else
    answer := exai.add_row(tab,
      '{"deleted": false, "attempts": 0, "usable": true, "sent_twice": false}' || (p -> 'data')
      || jsonb_build_object('owner', p_owner, 'id', key, 'changed_by', p_device, 'rev', 1,
        'change_no', 0, 'changed_at', now(), 'noted_at', now()));
  end if;
  if answer is not null then
    return answer;
  end if;
  execute format('select to_jsonb(t) - ''owner'' from exai.%I t where owner = $1 and id = $2', tab)
    into current using p_owner, key;
  return jsonb_build_object('status', case when current is null then 'gone' else 'conflict' end,
    'current', current);
end $$;

-- At most 200 operations, in order. Each stands or falls alone, each has an answer (applied,
-- conflict, gone or refused), none is carried out twice.
create or replace function exai.apply(p_device uuid, p_ops jsonb) returns jsonb
language plpgsql security invoker set search_path = '' as $$
declare
  me uuid := exai.enter();
  op jsonb;
  op_id text;
  known jsonb;
  answer jsonb;
  ids text[] := '{}';
  fresh jsonb[] := '{}';
  answers jsonb[] := '{}';
  code text;
  words text;
begin
  if jsonb_typeof(p_ops) is distinct from 'array' or jsonb_array_length(p_ops) > 200 then
    raise exception 'a batch is a list of at most 200 operations' using errcode = '22023';
  end if;
  if exists (select 1 from jsonb_array_elements(p_ops) e where (e ->> 'id')::uuid is null) then
    raise exception 'each operation has an id' using errcode = '22023';
  end if;
  -- Read after `enter` has taken the lock: what a repetition of this batch has done is seen.
  select coalesce(jsonb_object_agg(o.id, o.answer || '{"replayed": true}'), '{}') into known
  from exai.operations o
  where o.owner = me
    and o.id in (select (e ->> 'id')::uuid from jsonb_array_elements(p_ops) e);
  for op in select * from jsonb_array_elements(p_ops) loop
    op_id := (op ->> 'id')::uuid::text;
    answer := coalesce(known -> op_id, fresh[array_position(ids, op_id)]);
    if answer is null then
      begin
        answer := exai.apply_one(me, p_device, op);
      exception
        when data_exception or integrity_constraint_violation or insufficient_privilege then
          get stacked diagnostics code = returned_sqlstate, words = message_text;
          answer := jsonb_build_object('status', 'refused', 'code', code, 'message', words);
      end;
      ids := ids || op_id;
      fresh := fresh || answer;
    end if;
    answers := answers || (answer || jsonb_build_object('id', op_id));
  end loop;
  insert into exai.operations (owner, id, device_id, answer)
  select me, u.id::uuid, p_device, u.answer from unnest(ids, fresh) u (id, answer);
  return to_jsonb(answers);
end $$;

-- Everything that has changed after number `p_after`, oldest first. One statement, so all of it is
-- of one moment: read in two, a change that is committed between them would be stepped over for
-- ever. `restart` means: begin at 0 and send all you have.
create or replace function exai.pull(
  p_after bigint, p_limit int, p_skip uuid default null, p_witness uuid default null)
returns jsonb language sql stable security invoker set search_path = '' as $$
  with me as materialized (
    select o.owner, o.change_no, o.purged_to,
      case
        when p_after > o.change_no then 'ahead'
        when p_after > 0 and p_after < o.purged_to then 'purged'
        when p_witness is not null and not exists (
          select 1 from exai.operations x where x.owner = o.owner and x.id = p_witness)
          then 'lost' end as restart
    from exai.owners o where o.owner = (select auth.uid())),
  found as (
    select * from (
      (select t.change_no, 'device' as kind, t.id, t.changed_by, to_jsonb(t) as data
        from exai.devices t, me
        where t.owner = me.owner and t.change_no > p_after order by t.change_no limit p_limit)
      union all
      (select t.change_no, 'account', t.id, t.changed_by, to_jsonb(t)
        from exai.provider_accounts t, me
        where t.owner = me.owner and t.change_no > p_after order by t.change_no limit p_limit)
      union all
      (select t.change_no, 'file', t.id, t.changed_by, to_jsonb(t)
        from exai.files t, me
        where t.owner = me.owner and t.change_no > p_after order by t.change_no limit p_limit)
      union all
      (select t.change_no, 'copy', t.id, t.changed_by, to_jsonb(t)
        from exai.platform_file_registry t, me
        where t.owner = me.owner and t.change_no > p_after order by t.change_no limit p_limit)
    ) u
    where (select restart from me) is null
    order by change_no limit p_limit)
  select jsonb_build_object(
    'restart', (select restart from me),
    -- A full page ends at its last row, another one at the counter of the same moment.
    'next', case when (select count(*) from found) = p_limit
      then (select max(change_no) from found)
      else coalesce((select change_no from me), 0) end,
    'more', (select count(*) from found) = p_limit,
    'changes', coalesce((
      select jsonb_agg(
        jsonb_build_object('no', change_no, 'kind', kind, 'id', id, 'data', data - 'owner')
        order by change_no)
      from found where p_skip is null or changed_by is distinct from p_skip), '[]'))
$$;

-- A copy of this content at this account that another device has sent. The program asks the
-- provider before it uses the id.
create or replace function exai.find(
  p_base_url text, p_key_mark text, p_purpose text, p_sha256 text, p_size bigint)
returns jsonb language sql stable security invoker set search_path = '' as $$
  select to_jsonb(r) - 'owner'
  from exai.platform_file_registry r
  join exai.provider_accounts a on a.owner = r.owner and a.id = r.account_id
  where r.owner = (select auth.uid()) and a.base_url = p_base_url and a.key_mark = p_key_mark
    and r.purpose = p_purpose and r.sha256 = p_sha256 and r.size = p_size
    and r.status = 'present' and r.usable and not r.deleted and r.origin = 'sent'
    and (r.expires_at is null or r.expires_at > now() + interval '1 hour')
  order by r.recorded_at limit 1
$$;

-- Room for one file, taken by one conditional statement or not at all. Asked again with the same
-- id, the answer is the same; a refusal is not kept.
create or replace function exai.reserve(p_id uuid, p_pool text, p_bytes bigint, p_seconds int)
returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  me uuid := exai.enter();
  r exai.quota_reservations;
  q exai.user_quotas;
begin
  if p_bytes is null or p_bytes < 0 or p_pool not in ('storage', 'uploads') then
    raise exception 'no such reservation' using errcode = '22023';
  end if;
  with due as (
    update exai.quota_reservations set state = 'expired', changed_at = clock_timestamp()
    where owner = me and state = 'held' and expires_at < clock_timestamp()
    returning pool, bytes)
  update exai.user_quotas u set reserved_bytes = u.reserved_bytes - d.bytes
  from (select pool, sum(bytes) as bytes from due group by pool) d
  where u.owner = me and u.pool = d.pool;
  select * into r from exai.quota_reservations where owner = me and id = p_id;
  if not found then
    with room as (
      update exai.user_quotas set reserved_bytes = reserved_bytes + p_bytes
      where owner = me and pool = p_pool and p_bytes <= max_file_size
        and p_bytes <= quota_bytes - used_bytes - reserved_bytes
      returning owner)
    insert into exai.quota_reservations (owner, id, pool, bytes, state, expires_at)
    select owner, p_id, p_pool, p_bytes, 'held',
      clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 604800))
    from room
    returning * into r;
  elsif r.pool <> p_pool then
    raise exception 'this reservation is for something else' using errcode = '22023';
  end if;
  select * into q from exai.user_quotas where owner = me and pool = p_pool;
  return jsonb_build_object('granted', coalesce(r.state in ('held', 'committed'), false),
    'state', r.state, 'until', r.expires_at, 'max_file_size', q.max_file_size,
    'left', greatest(q.quota_bytes - q.used_bytes - q.reserved_bytes, 0));
end $$;

-- held → committed or released; committed → returned; expired → committed, for the bytes are
-- there: what is counted is the truth, even above the limit. Uploads to providers are counted by
-- their copies, so there a reservation is only released.
create or replace function exai.settle(p_id uuid, p_to text, p_bytes bigint default null)
returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  me uuid := exai.enter();
  r exai.quota_reservations;
  actual bigint;
begin
  select * into r from exai.quota_reservations where owner = me and id = p_id for update;
  actual := coalesce(p_bytes, r.bytes);
  if actual not between 0 and r.bytes then
    raise exception 'more than was reserved' using errcode = '22023';
  end if;
  if r.pool = 'storage' and (r.state, p_to) in (('held', 'committed'), ('expired', 'committed'))
  then
    update exai.user_quotas
    set used_bytes = used_bytes + actual, file_count = file_count + 1,
      reserved_bytes = reserved_bytes - case r.state when 'held' then r.bytes else 0 end
    where owner = me and pool = r.pool;
    update exai.quota_reservations set bytes = actual where owner = me and id = p_id;
  elsif (r.state, p_to) = ('held', 'released') then
    update exai.user_quotas set reserved_bytes = reserved_bytes - r.bytes
    where owner = me and pool = r.pool;
  elsif (r.state, p_to) = ('committed', 'returned') then
    update exai.user_quotas
    set used_bytes = used_bytes - r.bytes, file_count = file_count - 1
    where owner = me and pool = r.pool;
  else
    return jsonb_build_object('state', r.state, 'changed', false);
  end if;
  update exai.quota_reservations set state = p_to, changed_at = clock_timestamp()
  where owner = me and id = p_id;
  return jsonb_build_object('state', p_to, 'changed', true);
end $$;

-- A claim: who has it may send this content to this account. Only the server's clock counts, and it
-- is read after the row is locked.
create or replace function exai.claim(p_key text, p_device uuid, p_seconds int) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  me uuid := auth.uid();
  span constant interval := make_interval(secs => least(greatest(p_seconds, 1), 300));
  got exai.content_claims;
begin
  -- Not through `enter`: whoever claims need not wait for a batch.
  if me is null or not exists (select 1 from exai.owners where owner = me) then
    me := exai.enter();
  end if;
  insert into exai.content_claims as c (owner, key, device_id, fence, held_until)
  values (me, p_key, p_device, nextval('exai.fence'), clock_timestamp() + span)
  on conflict (owner, key) do update
    set device_id = excluded.device_id, fence = nextval('exai.fence'),
      held_until = clock_timestamp() + span
    where c.held_until <= clock_timestamp()
  returning * into got;
  return case when got.fence is null then '{"held": false}'
    else jsonb_build_object('held', true, 'fence', got.fence, 'note', got.note) end;
end $$;

-- renew, note or release. False: the claim has run out or is another's by now, nothing was done.
create or replace function exai.claim_step(
  p_key text, p_fence bigint, p_step text, p_note jsonb, p_seconds int)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  c exai.content_claims;
begin
  select * into c from exai.content_claims
  where owner = auth.uid() and key = p_key for update;
  if c.fence is distinct from p_fence or p_fence is null or c.held_until <= clock_timestamp() then
    return false;
  end if;
  case p_step
    when 'renew' then
      update exai.content_claims
      set held_until = clock_timestamp()
        + make_interval(secs => least(greatest(p_seconds, 1), 300))
      where owner = c.owner and key = p_key;
    when 'note' then
      update exai.content_claims
      set note = p_note, note_fence = p_fence, noted_at = clock_timestamp()
      where owner = c.owner and key = p_key;
    when 'release' then
      update exai.content_claims set held_until = '-infinity'
      where owner = c.owner and key = p_key;
    else raise exception 'unknown step' using errcode = '22023';
  end case;
  return true;
end $$;

-- Retention: the caller's own logs, answers and tombstones. Never records, never the audit trail.
create or replace function exai.tidy(p_days int) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  me uuid := exai.enter();
  before timestamptz := clock_timestamp() - make_interval(days => greatest(p_days, 30));
  gone bigint;
  top bigint;
begin
  delete from exai.file_health_checks where owner = me and noted_at < before;
  delete from exai.file_recovery_attempts where owner = me and noted_at < before;
  -- The newest answer of each device stays: by it the device sees that the database is the same.
  delete from exai.operations o
  where owner = me and at < before and exists (
    select 1 from exai.operations l
    where l.owner = me and l.device_id = o.device_id and (l.at, l.id) > (o.at, o.id));
  delete from exai.content_claims
  where owner = me and held_until < before
    and coalesce(noted_at, '-infinity') < clock_timestamp() - interval '180 days';
  delete from exai.quota_reservations
  where owner = me and changed_at < before and state in ('released', 'expired', 'returned');
  with a as (
    delete from exai.files where owner = me and deleted and changed_at < before
    returning change_no),
  b as (
    delete from exai.platform_file_registry where owner = me and deleted and changed_at < before
    returning change_no)
  select count(*), max(change_no) into gone, top
  from (select * from a union all select * from b) u;
  update exai.owners set purged_to = greatest(purged_to, coalesce(top, 0)) where owner = me;
  return jsonb_build_object('tombstones', gone);
end $$;

-- For the owner of the project, in the SQL editor: no role of the API may call it.
create or replace function exai.prune_audit(p_older interval) returns bigint
language plpgsql security invoker set search_path = '' as $$
declare
  n bigint;
begin
  if now() - p_older > now() - interval '1 year' then
    raise exception 'the audit trail is kept for a year at least';
  end if;
  perform set_config('exai.pruning', 'on', true);
  delete from exai.file_audit_trail where at < now() - p_older;
  get diagnostics n = row_count;
  perform set_config('exai.pruning', 'off', true);
  return n;
end $$;

create or replace function exai.status() returns jsonb
language sql stable security invoker set search_path = '' as $$
  select jsonb_build_object(
    'schema', (select max(version) from exai.schema_version),
    'now', clock_timestamp(),
    'user', auth.uid(),
    'change_no', (select change_no from exai.owners where owner = auth.uid()),
    'quota', (select jsonb_object_agg(pool, to_jsonb(s) - 'owner' - 'pool')
      from exai.user_quota_stats s where owner = auth.uid()))
$$;

commit;
