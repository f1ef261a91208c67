"""Settings: how many requests a caller may send."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from router.server.config.section import Section
from router.server.config.units import Seconds


class Quota(Section):
    """So many in any stretch of time of this length."""

    limit: int = Field(1000, ge=1, description="Requests, or their cost.")
    window: Seconds = Field(60.0, ge=1, le=86_400, description="The length of the window that slides.")


class Overrides(Section):
    """Other quotas for some; a key's goes before a client's, and that before a tenant's."""

    keys: dict[str, Quota] = Field(
        default_factory=dict, description="By API key or user: the claim `key`, or `sub` where there is none."
    )
    clients: dict[str, Quota] = Field(
        default_factory=dict, description="By `apollographql-client-name`: what a client says of itself."
    )
    tenants: dict[str, Quota] = Field(default_factory=dict, description="By tenant, for each of its keys and users.")


class RateLimit(Quota):
    """How many requests an API key, a user or an address may send."""

    enabled: bool = Field(default=True, description="Whether there is a limit.")
    by_address: bool | None = Field(
        default=None,
        description="Whether those who don't say who they are are counted by address; by default where tokens are accepted, "
        "or where a limit is written here.",
    )
    weigh_by_cost: bool = Field(
        default=False,
        description="Whether an operation counts with its estimated cost (see demand_control), not as one.",
    )
    refusal_status: Literal[429, 503] = Field(429, description="The HTTP status of a refusal.")
    overrides: Overrides = Overrides()
    # Of one address, behind which an office may stand whose tokens ran out together. Only refusals are counted: a good token
    # is let in all the same, and nobody guesses one by five tries in a second.
    failed_authentication: Quota = Quota(limit=300)

    def counts_addresses(self, *, tokens_are_accepted: bool) -> bool:
        """Whether those who don't say who they are are counted by address: what is written has to hold for somebody."""
        if self.by_address is not None:
            return self.by_address
        return tokens_are_accepted or not self.model_fields_set.isdisjoint({"limit", "window", "overrides"})
