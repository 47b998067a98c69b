-- EXAI Desktop, version 1, step 2 of 5: grants by name, and row security on every table.
-- Two walls, and each would do without the other: tests compare the grants apart from the policies.
begin;

do $$ begin
  if to_regclass('exai.schema_version') is not null then
    if exists (select 1 from exai.schema_version where version > 1) then
      raise exception 'this project already has a newer schema of EXAI Desktop'
        using hint = 'Get the files of this program''s version again; apply only what is missing.';
    end if;
  end if;
end $$;

do $$
declare
  -- What a device writes through `exai.apply`, which has no rights of its own.
  added constant text[] := array['devices', 'provider_accounts', 'files', 'platform_file_registry',
    'file_health_checks', 'file_recovery_attempts', 'operations'];
  changed constant text[] := array['devices', 'provider_accounts', 'files',
    'platform_file_registry'];
  own constant text := 'owner = (select auth.uid())';
  t record;
begin
  for t in
    select relname, relkind from pg_class
    where relnamespace = 'exai'::regnamespace and relkind in ('r', 'v')
  loop
    execute format('revoke all on exai.%I from public, anon, authenticated, service_role',
      t.relname);
    execute format('grant select on exai.%I to authenticated', t.relname);
    -- A view has no policies: with `security_invoker` those of its tables apply.
    continue when t.relkind = 'v';
    execute format('alter table exai.%I enable row level security', t.relname);
    execute format('drop policy if exists own_select on exai.%I', t.relname);
    execute format('create policy own_select on exai.%I for select to authenticated using (%s)',
      t.relname, case t.relname when 'schema_version' then 'true' else own end);
    if t.relname = any (added) then
      execute format('grant insert on exai.%I to authenticated', t.relname);
      execute format('drop policy if exists own_insert on exai.%I', t.relname);
      execute format('create policy own_insert on exai.%I for insert to authenticated
        with check (%s)', t.relname, own);
    end if;
    if t.relname = any (changed) then
      execute format('grant update on exai.%I to authenticated', t.relname);
      execute format('drop policy if exists own_update on exai.%I', t.relname);
      execute format('create policy own_update on exai.%I for update to authenticated
        using (%s) with check (%2$s)', t.relname, own);
    end if;
  end loop;
end $$;
revoke all on all sequences in schema exai from public, anon, authenticated, service_role;

commit;
