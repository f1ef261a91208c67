"""Settings: subscriptions, how many there may be and how each subgraph streams. The inner keys are those of Apollo's router."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from router.server.config.section import Section
from router.server.config.units import Seconds


def _or_never(given: Any) -> Any:
    """Read `disabled` as none and `enabled` as five seconds, as Apollo's router does."""
    match given:
        case "disabled" | "disable":
            return 0.0
        case "enabled":
            return 5.0
        case _:
            return given


Duration = Annotated[Seconds, BeforeValidator(_or_never)]


class Passthrough(Section):
    """How one subgraph streams to us."""

    path: str | None = Field(None, description="Takes the place of the path in the subgraph's address: `/ws`.")
    protocol: Literal["graphql_ws", "sse"] = Field(
        "graphql_ws", description="graphql-transport-ws (`graphql_ws`) or Server-Sent Events (`sse`)."
    )
    heartbeat_interval: Duration = Field(20.0, ge=0, description="How often a WebSocket is pinged; 0 never.")
    max_reconnect_attempts: int | None = Field(
        None, ge=0, description="How often in a row it's opened again; as `reconnect` says when absent."
    )
    reconnect_delay: Duration | None = Field(
        None, gt=0, description="How long the first pause before that is; as `reconnect` says when absent."
    )

    @field_validator("protocol", mode="before")
    @classmethod
    def _not_the_older_one(cls, given: Any) -> Any:
        if given == "graphql_transport_ws":
            raise ValueError(
                "the older protocol of subscriptions-transport-ws is not spoken; let the subgraph speak graphql-transport-ws "
                "(here: graphql_ws) or Server-Sent Events (sse)"
            )
        return given


class Passthroughs(Section):
    """Which subgraphs stream in which way; those that are named nowhere send Server-Sent Events."""

    all: Passthrough | None = Field(None, description="Of every subgraph that is not named below.")
    subgraphs: dict[str, Passthrough] = Field(default_factory=dict, description="Of single subgraphs.")


class Callback(Section):
    """Which subgraphs call back for each event, and where."""

    public_url: str = Field(description="Where subgraphs reach us: `http://router:4000/callback`.")
    path: str = Field("/callback", description="The path of ours that they call, without the id.")
    heartbeat_interval: Duration = Field(5.0, ge=0, description="How often they have to say that they live; 0 never.")
    subgraphs: frozenset[str] = Field(frozenset(), description="The subgraphs that call back.")


class Mode(Section):
    """How events come from subgraphs: through a stream, or by calling us back."""

    passthrough: Passthroughs = Passthroughs()
    callback: Callback | None = None


class Deduplication(Section):
    """Whether equal subscriptions share one stream."""

    enabled: bool = Field(default=True, description="Whether equal subscriptions of equal callers share one stream.")
    ignored_headers: frozenset[str] = Field(
        frozenset(), description="Headers that subgraphs get, and that make no difference to what they answer."
    )


class Reconnect(Section):
    """What is done when the stream of a subgraph breaks."""

    attempts: int = Field(5, ge=0, description="How often in a row it's opened again before the clients are told.")
    first_seconds: float = Field(0.5, gt=0, description="How long the first pause is; each is twice as long.")
    most_seconds: float = Field(10.0, gt=0, description="How long a pause is at most.")


class Subscriptions(Section):
    """What clients may subscribe to, and how many at once."""

    enabled: bool = Field(default=True, description="Whether subscriptions are answered at all.")
    max_opened_subscriptions: int = Field(10_000, ge=1, description="Subscriptions of all clients together.")
    max_connections: int = Field(5_000, ge=1, description="WebSockets and reserved event streams of all clients.")
    max_subscriptions_per_connection: int = Field(100, ge=1, description="Operations at once over one of these.")
    queue_capacity: int = Field(
        128, ge=1, description="Events that wait for one client; one that is slower than that is disconnected."
    )
    heartbeat_seconds: float = Field(10.0, gt=0, description="A stream that is silent for so long says that it lives.")
    init_seconds: float = Field(10.0, gt=0, description="How long a WebSocket may take to say `connection_init`.")
    deduplication: Deduplication = Deduplication()
    reconnect: Reconnect = Reconnect()
    mode: Mode = Mode()

    def reconnecting(self, service: str) -> Reconnect:
        """Return what is done when the stream of this subgraph breaks."""
        through = self.mode.passthrough
        way = through.subgraphs.get(service, through.all)
        given = (
            {"attempts": way.max_reconnect_attempts, "first_seconds": way.reconnect_delay} if way is not None else {}
        )
        return self.reconnect.model_copy(update={name: value for name, value in given.items() if value is not None})
