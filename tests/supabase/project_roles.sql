-- What a Supabase project has before any migration, as far as the schema depends on it: roles and
-- default privileges that give everything in `public` to everybody. Here also for
-- every other schema, which is worse than any real project.
do $$ begin
  if to_regrole('anon') is null then
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
    -- Who applies the migrations: no superuser, and not the owner of `auth`.
    create role project_owner login createrole createdb;
  end if;
end $$;
grant anon, authenticated, service_role to project_owner;
-- PostgreSQL 15 and later create it for the owner of the database.
alter schema public owner to project_owner;
grant usage on schema public to anon, authenticated, service_role;

alter default privileges for role project_owner
  grant all on tables to anon, authenticated, service_role;
alter default privileges for role project_owner
  grant all on functions to anon, authenticated, service_role;
alter default privileges for role project_owner
  grant all on sequences to anon, authenticated, service_role;
