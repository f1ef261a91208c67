"""Settings: how requests are refused that a foreign page made a browser send."""

from __future__ import annotations

from pydantic import Field

from router.server.config.section import Section


class Csrf(Section):
    """A browser sends some requests for any page without asking us first; these need a header that makes it ask."""

    required_headers: tuple[str, ...] = Field(
        ("x-apollo-operation-name", "apollo-require-preflight"), description="One of these makes a request pass."
    )
    unsafe_disabled: bool = Field(default=False, description="Whether nothing is refused.")
    guard_every_get: bool | None = Field(
        None,
        description="Whether a GET without these headers is refused even if no browser sent it; by default only where "
        "required_headers are set.",
    )

    @property
    def strict(self) -> bool:
        """Whether every GET is guarded."""
        if self.guard_every_get is None:
            return "required_headers" in self.model_fields_set
        return self.guard_every_get
