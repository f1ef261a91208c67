"""The tables of notify. Secrets are sealed, and stand in a table that is not audited."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase

from subgraphs.kit import tables


class Model(tables.Row, DeclarativeBase):
    """What the tables of this module have in common."""
