-- EXAI Desktop, records in the user's own Supabase project. Version 1, step 1 of 5: the tables.
-- PostgreSQL 15 or later. Each step is one transaction, may be run again, needs no superuser and no
-- service role, and touches nothing outside the schema `exai` and the functions `public.exai_*`.
--
-- The Data API does not show the schema `exai`. Nobody may use it before the last step.
begin;

do $$ begin
  if to_regclass('exai.schema_version') is not null then
    if exists (select 1 from exai.schema_version where version > 1) then
      raise exception 'this project already has a newer schema of EXAI Desktop'
        using hint = 'Get the files of this program''s version again; apply only what is missing.';
    end if;
  end if;
end $$;

create schema if not exists exai;
revoke all on schema exai from public, anon, authenticated, service_role;

create table if not exists exai.schema_version (
  version int primary key,
  applied_at timestamptz not null default now());

-- One row for each user. Its lock puts the user's writers in line, so change numbers are in the
-- order of commits.
create table if not exists exai.owners (
  owner uuid primary key references auth.users (id) on delete cascade,
  change_no bigint not null default 0,
  -- Tombstones up to here are gone: a device that has read less begins anew.
  purged_to bigint not null default 0,
  created_at timestamptz not null default now());

-- The primary key of every table begins with the owner: an id that a stranger uses is free for you,
-- and tells nothing about him.

create table if not exists exai.devices (
  owner uuid not null references exai.owners on delete cascade,
  id uuid not null,
  name text not null check (length(name) <= 200),
  platform text,
  app_version text,
  -- The version of this schema that the device's program knows.
  schema_seen int,
  deleted boolean not null default false,
  rev bigint not null default 1,
  change_no bigint not null default 0,
  changed_by uuid,
  changed_at timestamptz not null default now(),
  primary key (owner, id));

-- An account at a provider, whatever each device calls it.
create table if not exists exai.provider_accounts (
  owner uuid not null references exai.owners on delete cascade,
  id uuid not null,
  provider text not null,
  base_url text not null,
  -- Eight hex digits that tell two keys apart; never the key, never enough to guess it.
  key_mark text not null check (key_mark ~ '^[0-9a-f]{8}$'),
  label text,
  deleted boolean not null default false,
  rev bigint not null default 1,
  change_no bigint not null default 0,
  changed_by uuid,
  changed_at timestamptz not null default now(),
  primary key (owner, id),
  unique (owner, base_url, key_mark));

-- One row for each job of a device that has ended, or may have left something at a provider. The
-- states before that appear only when such a job is begun anew.
create table if not exists exai.files (
  owner uuid not null references exai.owners on delete cascade,
  id uuid not null,
  device_id uuid not null,
  local_no bigint not null,
  name text not null check (length(name) <= 1024),
  mime text,
  size bigint not null check (size >= 0),
  sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
  state text not null check (state in ('queued', 'checking', 'hashing', 'waiting', 'sending',
    'confirming', 'done', 'duplicate', 'refused', 'failed', 'cancelled', 'held', 'uncertain',
    'needs_review')),
  account_id uuid,
  purpose text,
  -- The remote copy that the job stands for; it may arrive later than this row.
  copy_id uuid,
  error_code text,
  route_reason text,
  transport text,
  attempts int not null default 0,
  -- By the device's clock: shown, not trusted.
  added_at timestamptz,
  finished_at timestamptz,
  -- Where the file itself lies in Storage, if it was copied there. Storage takes ASCII only.
  object_key text check (object_key ~ '^[A-Za-z0-9/_.-]{1,200}$'),
  deleted boolean not null default false,
  rev bigint not null default 1,
  change_no bigint not null default 0,
  changed_by uuid,
  changed_at timestamptz not null default now(),
  primary key (owner, id),
  unique (owner, device_id, local_no),
  foreign key (owner, device_id) references exai.devices (owner, id),
  foreign key (owner, account_id) references exai.provider_accounts (owner, id),
  check (state not in ('done', 'duplicate') or sha256 is not null));

-- How many stored jobs have a content. Kept by a trigger.
create table if not exists exai.file_hashes (
  owner uuid not null references exai.owners on delete cascade,
  sha256 text not null,
  size bigint not null,
  first_file_id uuid not null,
  reference_count bigint not null check (reference_count >= 0),
  duplicate_count bigint generated always as (greatest(reference_count - 1, 0)) stored,
  updated_at timestamptz not null default now(),
  primary key (owner, sha256));

-- What lies at the providers: the only table of remote copies.
create table if not exists exai.platform_file_registry (
  owner uuid not null references exai.owners on delete cascade,
  id uuid not null,
  account_id uuid not null,
  purpose text not null,
  sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
  size bigint not null check (size >= 0),
  platform_file_id text not null check (length(platform_file_id) between 1 and 256),
  platform_name text,
  status text not null
    check (status in ('present', 'deleting', 'deleted', 'missing', 'expired', 'foreign')),
  usable boolean not null default true,
  origin text not null check (origin in ('sent', 'found', 'imported')),
  file_id uuid,
  sent_by uuid,
  fence bigint,
  sent_twice boolean not null default false,
  recorded_at timestamptz,
  last_verified timestamptz,
  expires_at timestamptz,
  next_check_at timestamptz,
  last_sight text check (last_sight in ('seen', 'not_seen', 'other_size')),
  deleted boolean not null default false,
  rev bigint not null default 1,
  change_no bigint not null default 0,
  changed_by uuid,
  changed_at timestamptz not null default now(),
  primary key (owner, id),
  unique (owner, account_id, platform_file_id),
  foreign key (owner, account_id) references exai.provider_accounts (owner, id));
create index if not exists registry_find
  on exai.platform_file_registry (owner, account_id, purpose, sha256)
  where status = 'present' and usable and not deleted;

create unique index if not exists devices_changes on exai.devices (owner, change_no);
create unique index if not exists accounts_changes on exai.provider_accounts (owner, change_no);
create unique index if not exists files_changes on exai.files (owner, change_no);
create unique index if not exists registry_changes
  on exai.platform_file_registry (owner, change_no);

create table if not exists exai.file_health_checks (
  owner uuid not null references exai.owners on delete cascade,
  id uuid not null,
  registry_id uuid not null,
  device_id uuid not null,
  status text not null check (status in ('healthy', 'unhealthy', 'error', 'timeout')),
  error_code text,
  http_status int,
  response_time_ms bigint,
  bytes bigint,
  checked_at timestamptz not null,
  noted_at timestamptz not null default now(),
  primary key (owner, id),
  foreign key (owner, registry_id) references exai.platform_file_registry (owner, id)
    on delete cascade);
create index if not exists checks_newest
  on exai.file_health_checks (owner, registry_id, checked_at desc);

create table if not exists exai.file_recovery_attempts (
  owner uuid not null references exai.owners on delete cascade,
  id uuid not null,
  file_id uuid not null,
  device_id uuid not null,
  operation text not null check (operation in ('upload', 'download', 'delete', 'verify')),
  attempt_number int not null check (attempt_number >= 1),
  strategy text,
  transport text,
  status text not null
    check (status in ('success', 'failed', 'pending', 'abandoned', 'unknown')),
  error_code text,
  http_status int,
  request_id text,
  retry_delay_ms bigint,
  started_at timestamptz,
  completed_at timestamptz,
  noted_at timestamptz not null default now(),
  primary key (owner, id),
  foreign key (owner, file_id) references exai.files (owner, id) on delete cascade);
create index if not exists attempts_of on exai.file_recovery_attempts (owner, file_id);

-- No foreign key: the trail outlives files, devices and the user's account.
create table if not exists exai.file_audit_trail (
  no bigint generated always as identity primary key,
  -- These three are set by the server.
  owner uuid not null,
  actor uuid not null,
  at timestamptz not null default clock_timestamp(),
  device_id uuid not null,
  device_seq bigint not null,
  device_at timestamptz,
  action text not null,
  outcome text not null,
  file_id uuid,
  provider text,
  account_id uuid,
  purpose text,
  remote_id text,
  sha256 text,
  bytes bigint,
  error_code text,
  detail jsonb not null default '{}' check (length(detail::text) <= 4000),
  -- The link of the device's own chain, for comparison.
  device_key_id text,
  device_previous text,
  device_mac text,
  unique (owner, device_id, device_seq));

-- Two limits for each user: bytes copied to Storage, and bytes that lie at the providers. Only the
-- owner of the project changes `quota_bytes` and `max_file_size`.
create table if not exists exai.user_quotas (
  owner uuid not null references exai.owners on delete cascade,
  pool text not null check (pool in ('storage', 'uploads')),
  quota_bytes bigint not null default 10737418240 check (quota_bytes >= 0),
  max_file_size bigint not null default 536870912 check (max_file_size >= 0),
  used_bytes bigint not null default 0 check (used_bytes >= 0),
  reserved_bytes bigint not null default 0 check (reserved_bytes >= 0),
  file_count bigint not null default 0 check (file_count >= 0),
  primary key (owner, pool));

create table if not exists exai.quota_reservations (
  owner uuid not null references exai.owners on delete cascade,
  id uuid not null,
  pool text not null check (pool in ('storage', 'uploads')),
  bytes bigint not null check (bytes >= 0),
  state text not null check (state in ('held', 'committed', 'released', 'expired', 'returned')),
  expires_at timestamptz not null,
  changed_at timestamptz not null default now(),
  primary key (owner, id));
create index if not exists reservations_due
  on exai.quota_reservations (owner, expires_at) where state = 'held';

-- Answers already given: a repeated operation gets its first answer and changes nothing.
create table if not exists exai.operations (
  owner uuid not null references exai.owners on delete cascade,
  id uuid not null,
  device_id uuid not null,
  answer jsonb not null,
  at timestamptz not null default now(),
  primary key (owner, id));
create index if not exists operations_age on exai.operations (owner, at);

-- Who may send a content to an account just now. Fences come from a sequence: they rise even when
-- the row of a claim is gone.
create sequence if not exists exai.fence;
create table if not exists exai.content_claims (
  owner uuid not null references exai.owners on delete cascade,
  key text not null check (key ~ '^[0-9a-f]{64}$'),
  device_id uuid,
  fence bigint not null,
  held_until timestamptz not null,
  note jsonb,
  note_fence bigint not null default 0,
  noted_at timestamptz,
  primary key (owner, key));

-- Derived, so that it cannot contradict the registry.
create or replace view exai.file_lifecycle_sync with (security_invoker = true) as
  select
    r.owner,
    r.id as registry_id,
    r.file_id,
    a.provider as platform,
    case when r.status in ('deleting', 'deleted') then 'deleted' else 'active' end as local_status,
    case r.last_sight
      when 'seen' then 'active' when 'other_size' then 'active' when 'not_seen' then 'deleted'
      else 'unknown' end as platform_status,
    case
      when r.status = 'deleting' then 'pending'
      when r.last_sight = 'other_size' then 'error'
      when r.status = 'present' and r.last_sight = 'not_seen' then 'conflict'
      else 'synced' end as sync_status,
    r.last_verified as last_sync_at,
    r.next_check_at as next_sync_at
  from exai.platform_file_registry r
  join exai.provider_accounts a on a.owner = r.owner and a.id = r.account_id
  where not r.deleted;

create or replace view exai.user_quota_stats with (security_invoker = true) as
  select
    q.*,
    greatest(quota_bytes - used_bytes - reserved_bytes, 0) as left_bytes,
    round(100.0 * used_bytes / nullif(quota_bytes, 0), 2) as used_percent
  from exai.user_quotas q;

commit;
