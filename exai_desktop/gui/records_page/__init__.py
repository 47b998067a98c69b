"""The page *Records*: the copy of the record in the user's own Supabase project."""
