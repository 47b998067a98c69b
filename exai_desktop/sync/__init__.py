"""The user's own Supabase project: what is told to it."""
