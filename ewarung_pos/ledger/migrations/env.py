"""How Alembic reaches the ledger: over the connection that `migrate` gives it, inside that one's transaction."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata"),
    render_as_batch=False,
    transactional_ddl=True,
)
context.run_migrations()
