"""The suite of `core.jobs.claims.ContentClaims`: by kernel locks, a Redis, a Supabase project."""
