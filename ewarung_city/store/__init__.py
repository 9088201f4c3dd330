"""The only home of SQL on the city's side: SQLite out of the box, PostgreSQL by URL, the same schema."""
