-- What Storage brings along, as far as the migration depends on it: owned by somebody else, with
-- row security and full grants, so that only policies decide.
do $$ begin
  if to_regrole('storage_owner') is null then
    create role storage_owner nologin noinherit;
  end if;
end $$;
grant storage_owner to project_owner;
create schema if not exists storage;
create table if not exists storage.buckets (
  id text primary key, name text not null unique, public boolean default false,
  file_size_limit bigint);
create table if not exists storage.objects (
  id uuid primary key default gen_random_uuid(), bucket_id text references storage.buckets,
  name text, owner_id text, size bigint not null default 0,
  unique (bucket_id, name));
alter schema storage owner to storage_owner;
alter table storage.buckets owner to storage_owner;
alter table storage.objects owner to storage_owner;
alter table storage.objects enable row level security;
alter table storage.buckets enable row level security;
grant usage on schema storage to anon, authenticated, service_role;
grant all on storage.objects, storage.buckets to anon, authenticated, service_role;
-- Who runs migrations may fill the list of buckets, past row security, as in a real project.
create policy owner_makes_buckets on storage.buckets to project_owner using (true) with check (true);
grant all on storage.buckets to project_owner;
grant usage on schema storage to project_owner;
