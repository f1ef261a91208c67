"""Settings: how modules announce themselves."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from router.server.config.section import Section


class RegistrySettings(Section):
    """How modules announce themselves."""

    token: SecretStr | None = Field(
        None, description="The secret that lets a module register; no registration without."
    )
    state_file: Path | None = Field(None, description="Where registrations outlive a restart.")
