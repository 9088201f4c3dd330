"""The only home of facts and of SQL: an encrypted, append-only, chained SQLite file."""
