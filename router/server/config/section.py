"""What all sections of the settings have in common: they're frozen, and a key that nobody knows is an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the settings; one file for each, and the file's name is the section's."""

    model_config = ConfigDict(frozen=True, extra="forbid")
