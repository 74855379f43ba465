"""What alembic runs: the migrations, within the transaction of ``pipeline.desk.migrate``."""

from __future__ import annotations

from alembic import context

from pipeline.desk.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
