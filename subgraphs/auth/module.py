"""Identity: what the kit needs to run it."""

from contracts.events import auth as events
from subgraphs.auth.resolvers import roots
from subgraphs.kit.module import Module

module = Module(
    name="auth",
    purpose="Who works here, how they prove it, and what they are granted.",
    query=roots.Query,
    mutation=roots.Mutation,
    events=tuple(events.CATALOGUE.values()),
)
