"""The schema for records in Supabase, on a real PostgreSQL."""
