"""Settings: how modules announce themselves, what is checked then, and what is remembered of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from router.registry.registry import Mode
from router.server.config.section import Section
from router.server.config.units import Seconds


class Checks(Section):
    """Changes that break operations which clients really send."""

    mode: Mode = Field(
        "warn", description="Whether they are refused (`enforce`), only told (`warn`), or not looked for."
    )
    window: Seconds = Field(7 * 86400.0, gt=0, description="How long an operation counts after it was last sent.")
    ignored_clients: tuple[str, ...] = Field((), description="Clients, by their names, that may be broken.")
    operations: int = Field(2000, ge=1, description="How many operations are remembered.")


class HistorySettings(Section):
    """The supergraphs that were published."""

    entries: int = Field(50, ge=1, description="How many are remembered.")
    directory: Path | None = Field(
        None, description="Where they outlive a restart; by default beside the state file, if there is one."
    )


class RegistrySettings(Section):
    """How modules announce themselves."""

    token: SecretStr | None = Field(
        None, description="The secret that lets a module register; no registration without."
    )
    state_file: Path | None = Field(None, description="Where registrations outlive a restart.")
    checks: Checks = Checks()
    history: HistorySettings = HistorySettings()

    @property
    def history_directory(self) -> Path | None:
        """Where the history is kept, if anywhere."""
        if self.history.directory is not None or self.state_file is None:
            return self.history.directory
        return self.state_file.with_name(f"{self.state_file.stem}.history")
