"""Settings: operations that are known by their hash or by a name."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from router.server.config.section import Section
from router.server.config.units import Bytes, Seconds


class Apq(Section):
    """Automatic persisted queries: a client sends the hash, and the text only if we don't know it."""

    enabled: bool | None = Field(
        default=None, description="Whether hashes are kept; by default unless there is a safelist."
    )
    entries: int = Field(2000, ge=1, description="Texts that stay in memory.")
    bytes: Bytes = Field(16_000_000, ge=1, description="Bytes of all these texts.")
    redis: bool = Field(default=True, description="Whether they are shared through Redis, if there is one.")
    ttl_seconds: Seconds = Field(86_400, ge=1, description="How long Redis keeps a text that nobody asks for.")


class Manifest(Section):
    """A file with operations that belong to one client."""

    file: Path = Field(description="Apollo's manifest, Relay's map, a plain document, or a folder of these.")
    client: str | None = Field(None, description="The client's name; every client's when absent.")


class Safelist(Section):
    """Only operations of the manifests are answered."""

    enabled: bool = Field(default=False, description="Whether other operations are refused.")
    require_id: bool = Field(default=False, description="Whether even those are refused that come as text.")
    only_clients: tuple[str, ...] = Field(
        (), description="It holds for these clients only (their names can be forged)."
    )
    only_scopes: tuple[str, ...] = Field((), description="It holds only for callers with one of these scopes.")
    exempt_clients: tuple[str, ...] = Field((), description="It doesn't hold for these clients (names can be forged).")
    exempt_scopes: tuple[str, ...] = Field((), description="It doesn't hold for callers with one of these scopes.")


class PersistedQueries(Section):
    """Operations that were registered before anybody sends them."""

    enabled: bool = Field(default=False, description="Whether the manifests are used.")
    local_manifests: tuple[Path | Manifest, ...] = Field((), description="Files with operations.")
    hot_reload: bool = Field(default=True, description="Whether a changed file is read again.")
    log_unknown: bool = Field(default=False, description="Whether operations that are not registered are logged.")
    safelist: Safelist = Safelist()

    @model_validator(mode="after")
    def _safelist_needs_manifests(self) -> PersistedQueries:
        if self.safelist.enabled and not self.enabled:
            raise ValueError("persisted_queries.safelist needs persisted_queries.enabled")
        if self.safelist.require_id and not self.safelist.enabled:
            raise ValueError("safelist.require_id needs safelist.enabled")
        return self
