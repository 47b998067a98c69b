-- EXAI Desktop: copies of files in Storage. A private bucket, with a folder for each user. May be
-- run again; does nothing in a project without Storage. Nothing is copied before the user wants it.
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
  -- <user>/<SHA-256>: a copy is named by its content, and no name leads anywhere else.
  mine constant text := $own$bucket_id = 'exai'
    and name ~ '^[0-9a-f-]{36}/[0-9a-f]{64}$'
    and split_part(name, '/', 1) = (select auth.uid())::text$own$;
begin
  if to_regclass('storage.buckets') is null or to_regclass('storage.objects') is null then
    raise notice 'this project has no Storage: nothing was done';
    return;
  end if;
  insert into storage.buckets (id, name, public) values ('exai', 'exai', false)
    on conflict (id) do update set public = false;
  drop policy if exists exai_read on storage.objects;
  drop policy if exists exai_write on storage.objects;
  drop policy if exists exai_remove on storage.objects;
  execute 'create policy exai_read on storage.objects for select to authenticated using ('
    || mine || ')';
  -- No policy for update: what lies under a name is never replaced.
  execute 'create policy exai_write on storage.objects for insert to authenticated with check ('
    || mine || ')';
  execute 'create policy exai_remove on storage.objects for delete to authenticated using ('
    || mine || ')';
exception when insufficient_privilege then
  raise warning 'the bucket for copies could not be made: %', sqlerrm
    using hint = 'Run this file in the SQL editor of the project. All else works without it.';
end $$;

commit;
