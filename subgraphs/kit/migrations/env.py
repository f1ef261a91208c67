"""Where Alembic starts; `kit.migrate` has configured everything, so there is nothing left to do but run."""

from alembic import context

with context.begin_transaction():
    context.run_migrations()
