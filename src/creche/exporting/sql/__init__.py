"""A model as one query, in expressions that PostgreSQL, DuckDB and SQLite compute."""
