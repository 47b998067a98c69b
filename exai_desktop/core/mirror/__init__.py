"""What is told to the user's own Supabase project."""
