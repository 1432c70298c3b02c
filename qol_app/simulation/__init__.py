"""A synthetic trial lived through the real services, worker and database with a moved clock."""
