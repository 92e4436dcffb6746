"""The domain alone: tables, and properties."""
