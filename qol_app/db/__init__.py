"""Tables, engine and migrations. Columns and constraints here; rules live in services."""
