"""The tables of integrations, one file for each direction. Secrets are sealed, and stand in tables that are not audited."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase

from subgraphs.kit import tables


class Model(tables.Row, DeclarativeBase):
    """What the tables of this module have in common."""
