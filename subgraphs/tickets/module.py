"""Tickets, the service desk: what the kit needs to run it."""

from contracts.events import tickets as events
from subgraphs.kit.module import Module
from subgraphs.tickets import consumers, web
from subgraphs.tickets.resolvers import roots
from subgraphs.tickets.types import others
from subgraphs.tickets.types import tickets as types

module = Module(
    name="tickets",
    purpose="The service desk: tickets, what is said about them, and the way they go from new to closed.",
    query=roots.Query,
    mutation=roots.Mutation,
    subscription=roots.Subscription,
    extends=(types.Customer, types.Asset, others.Contact, others.User, others.Contract),
    events=tuple(events.CATALOGUE.values()),
    narrows=("tickets:read", "tickets:write", "time:read", "time:write"),
    teams=("time:read", "time:write", "time:approve"),
    references=("Customer", "Contact", "Site", "Asset", "Contract"),
    consumers=(
        consumers.CONTACTS,
        consumers.LEFT,
        consumers.TEAMS,
        consumers.USERS,
        consumers.ACCESS,
        consumers.BILLED,
        consumers.UNBILLED,
        consumers.MERGED,
    ),
    jobs=(consumers.CHECK, consumers.REPLAY, consumers.CLOSE, consumers.MOVE_TIME, consumers.RECUR),
    web=web.routes,
)
