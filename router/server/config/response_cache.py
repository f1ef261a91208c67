"""Settings: what is kept of the subgraphs' answers, where, and what takes it away again. Off unless it's switched on."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from router.server.config.section import Section
from router.server.config.units import Bytes, Seconds

_ADDRESS: Final = r"^[^\s]*:\d{1,5}$"
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_NAMED: Final = re.compile(r"(subject\.(id|type)|data(\.\w+)+|[a-z0-9]+)")


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[
    tuple[str, ...], BeforeValidator(_several, json_schema_input_type=str | list[str])  # one name need not be a list
]


class SubgraphInvalidation(Section):
    """Who may invalidate what is kept of a subgraph, over HTTP."""

    enabled: bool = Field(default=True, description="Whether anybody may.")
    shared_key: SecretStr | None = Field(None, min_length=8, description="What stands in Authorization then.")


class SubgraphCaching(Section):
    """What is kept of one subgraph's answers; what isn't said here is as it is for all."""

    enabled: bool | None = Field(None, description="Whether anything is; it is by default.")
    ttl: Annotated[Seconds, Field(gt=0)] | None = Field(
        None,
        description="How long, where neither the answer (Cache-Control) nor the schema (@cacheControl) says so; without it "
        "such answers aren't kept.",
    )
    private_id: Names | None = Field(
        None,
        description="Claims that tell whose a private answer is, besides the tenant (tid); the subject (sub) by default.",
    )
    shared_by: Names | None = Field(
        None,
        description="The only claims on which the subgraph's public answers depend, besides the tenant; all of them by "
        "default, so that only callers whom the subgraph can't tell apart share anything.",
    )
    invalidation: SubgraphInvalidation | None = None

    def over(self, other: SubgraphCaching) -> SubgraphCaching:
        """Return these settings, and the other's where these say nothing."""
        given = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        return other.model_copy(update=given)


class CachedSubgraphs(Section):
    """What is kept of which subgraph."""

    all: SubgraphCaching = SubgraphCaching()
    subgraphs: dict[str, SubgraphCaching] = Field(default_factory=dict)

    def of(self, service: str) -> SubgraphCaching:
        """Return what holds for one subgraph."""
        own = self.subgraphs.get(service)
        return own.over(self.all) if own else self.all


class InvalidationDoor(Section):
    """Where things are invalidated over HTTP; there is no such place unless a subgraph has a shared key."""

    path: str = Field("/invalidation", pattern="^/", description="Its path.")
    listen: str | None = Field(None, pattern=_ADDRESS, description="An address more, for this path only.")


class MemoryStorage(Section):
    """Entries in this process."""

    limit: Bytes = Field(
        64_000_000, ge=100_000, description="Bytes; what was not used for the longest time goes first."
    )


class RedisStorage(Section):
    """Entries in Redis, for all routers; while it's away nothing is kept, and everything answered."""

    url: SecretStr | None = Field(None, description="redis://host:6379/1; the one of `redis` where it's not said here.")
    ttl: Annotated[Seconds, Field(gt=0)] | None = Field(
        None, description="How long, where `subgraph` doesn't say it for all: Apollo's files say it here."
    )
    timeout: Seconds = Field(0.5, gt=0, description="How long an answer is waited for.")
    retry: Seconds = Field(5.0, ge=0, description="How long it's left alone after a failure.")
    namespace: str = Field("psa", min_length=1, pattern=r"^[^{}\s]+$", description="What all keys begin with.")


class Mapped(Section):
    """What events of a kind invalidate: tags, and types."""

    tags: Names = Field((), description="Such as ticket-{subject.id} or customer-{data.customerId}.")
    types: Names = Field((), description="Types of which anything that is kept goes.")
    subgraphs: Names = Field((), description="In these subgraphs only; in all by default.")

    @field_validator("tags")
    @classmethod
    def _places_are_known(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        for place in (place for tag in tags for place in _PLACE.findall(tag)):
            if not _NAMED.fullmatch(place):
                raise ValueError(
                    f"{{{place}}} is nothing that an event has: {{subject.id}}, {{subject.type}}, {{data.…}} or the name "
                    "of an attribute such as {tenantid}"
                )
        return tags

    @model_validator(mode="after")
    def _it_says_something(self) -> Self:
        if not self.tags and not self.types:
            raise ValueError("an event has to invalidate tags or types")
        return self


class CacheEvents(Section):
    """The domain events that invalidate what they change."""

    url: SecretStr | None = Field(
        None,
        description="amqp://host/, or inprocess:// for the one of a platform that runs in one process; the broker on which "
        "they travel. While it can't be heard nothing kept is used.",
    )
    exchange: str = Field("psa.events", min_length=1, description="The topic exchange.")
    invalidate: dict[str, Mapped] = Field(
        default_factory=dict, description="By type of event, as topics are written: ticket.created, ticket.*, #."
    )

    @property
    def is_inside(self) -> bool:
        """Whether the broker is in this process."""
        return self.url is not None and self.url.get_secret_value().startswith("inprocess:")

    @field_validator("invalidate")
    @classmethod
    def _topics_are_topics(cls, given: dict[str, Mapped]) -> dict[str, Mapped]:
        for topic in given:
            if not all(re.fullmatch(r"\*|#|[\w-]+", word) for word in topic.split(".")):
                raise ValueError(f"{topic!r} is no type of event such as ticket.created or ticket.*")
        return given


class ResponseCache(Section):
    """What is kept of the subgraphs' answers."""

    enabled: bool = Field(default=False, description="Whether anything is.")
    debug: bool = Field(
        default=False,
        description="Whether `apollo-cache-debugging: true` is answered with what was kept, and why; for developers.",
    )
    storage: Literal["memory", "redis"] = Field("memory", description="Where it's kept.")
    memory: MemoryStorage = MemoryStorage()
    redis: RedisStorage = RedisStorage()
    subgraph: CachedSubgraphs = CachedSubgraphs()
    invalidation: InvalidationDoor = InvalidationDoor()
    events: CacheEvents = CacheEvents()

    @model_validator(mode="after")
    def _events_need_both(self) -> Self:
        if self.events.url is not None and not self.events.invalidate:
            raise ValueError("events.invalidate must say what events invalidate")
        if self.events.invalidate and self.events.url is None:
            raise ValueError("events.url must say where the events come from")
        return self
