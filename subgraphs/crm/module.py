"""Customer management: what the kit needs to run it."""

from contracts.events import crm as events
from subgraphs.crm import resolvers
from subgraphs.kit.module import Module

module = Module(
    name="crm",
    purpose="Customers, the people who work there, and the places where they are.",
    query=resolvers.Query,
    mutation=resolvers.Mutation,
    subscription=resolvers.Subscription,
    events=tuple(events.CATALOGUE.values()),
)
