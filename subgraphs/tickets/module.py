"""Tickets, the service desk: what the kit needs to run it."""

from contracts.events import tickets as events
from subgraphs.kit.module import Module
from subgraphs.tickets import resolvers, types

module = Module(
    name="tickets",
    purpose="The service desk: tickets, what is said about them, and the way they go from new to closed.",
    query=resolvers.Query,
    mutation=resolvers.Mutation,
    subscription=resolvers.Subscription,
    extends=(types.Customer, types.Asset),
    events=tuple(events.CATALOGUE.values()),
    narrows=("tickets:read", "tickets:write"),
    references=("Customer", "Asset"),
)
