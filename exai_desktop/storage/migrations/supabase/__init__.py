"""The steps about records in Supabase. Their numbers belong to the one row of all steps."""
