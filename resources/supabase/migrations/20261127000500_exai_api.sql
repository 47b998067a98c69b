-- EXAI Desktop, version 1, step 5 of 5: what the Data API shows, and to whom.
begin;

do $$ begin
  if to_regclass('exai.schema_version') is not null then
    if exists (select 1 from exai.schema_version where version > 1) then
      raise exception 'this project already has a newer schema of EXAI Desktop'
        using hint = 'Get the files of this program''s version again; apply only what is missing.';
    end if;
  end if;
end $$;

create or replace function public.exai_status() returns jsonb
language sql stable set search_path = '' as $$ select exai.status() $$;

create or replace function public.exai_apply(p_device uuid, p_ops jsonb) returns jsonb
language sql set search_path = '' as $$ select exai.apply(p_device, p_ops) $$;

create or replace function public.exai_pull(
  p_after bigint, p_limit int default 500, p_skip uuid default null, p_witness uuid default null)
returns jsonb language sql stable set search_path = '' as $$
  -- A page of nothing would be full, and never end.
  select exai.pull(coalesce(p_after, 0), greatest(least(p_limit, 1000), 1), p_skip, p_witness)
$$;

create or replace function public.exai_find(
  p_base_url text, p_key_mark text, p_purpose text, p_sha256 text, p_size bigint)
returns jsonb language sql stable set search_path = '' as $$
  select exai.find(p_base_url, p_key_mark, p_purpose, p_sha256, p_size)
$$;

create or replace function public.exai_reserve(
  p_id uuid, p_bytes bigint, p_pool text default 'storage', p_seconds int default 86400)
returns jsonb language sql set search_path = '' as $$
  select exai.reserve(p_id, p_pool, p_bytes, p_seconds)
$$;

create or replace function public.exai_settle(p_id uuid, p_to text, p_bytes bigint default null)
returns jsonb language sql set search_path = '' as $$ select exai.settle(p_id, p_to, p_bytes) $$;

create or replace function public.exai_claim(p_key text, p_device uuid, p_seconds int default 30)
returns jsonb language sql set search_path = '' as $$
  select exai.claim(p_key, p_device, p_seconds)
$$;

create or replace function public.exai_claim_step(
  p_key text, p_fence bigint, p_step text, p_note jsonb default null, p_seconds int default 30)
returns boolean language sql set search_path = '' as $$
  select exai.claim_step(p_key, p_fence, p_step, p_note, p_seconds)
$$;

create or replace function public.exai_tidy(p_days int default 90) returns jsonb
language sql set search_path = '' as $$ select exai.tidy(p_days) $$;

-- The default privileges of a project name `anon`: to take EXECUTE from PUBLIC would not be enough.
do $$
declare
  -- Called by triggers, by other functions with rights of their own, or in the SQL editor only.
  inner_ones constant text[] := array['next_change', 'stamp', 'count_references', 'count_uploads',
    'append_only', 'prune_audit'];
  f record;
begin
  for f in
    select oid::regprocedure as signature, proname from pg_proc
    where pronamespace = 'exai'::regnamespace
      or (pronamespace = 'public'::regnamespace and proname like 'exai\_%')
  loop
    execute format('revoke execute on function %s from public, anon, authenticated, service_role',
      f.signature);
    if f.proname <> all (inner_ones) then
      execute format('grant execute on function %s to authenticated', f.signature);
    end if;
  end loop;
end $$;

grant usage on schema exai to authenticated;
insert into exai.schema_version (version) values (1) on conflict do nothing;
-- The Data API reads what there is.
notify pgrst, 'reload schema';

commit;
