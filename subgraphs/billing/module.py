"""Billing: what is sold, what it costs, and the documents that say so; what the kit needs to run it."""

from contracts.events import billing as events
from subgraphs.billing import consumers, web
from subgraphs.billing.resolvers import roots
from subgraphs.billing.service import long_runs
from subgraphs.billing.types import extensions
from subgraphs.kit.module import Module

module = Module(
    name="billing",
    purpose="Billing: contracts and work become documents with numbers, taxes and payments.",
    query=roots.Query,
    mutation=roots.Mutation,
    subscription=roots.Subscription,
    extends=(extensions.Customer, extensions.Contract, extensions.Ticket, extensions.TimeEntry),
    events=tuple(events.CATALOGUE.values()),
    references=("Customer",),
    consumers=(
        consumers.CUSTOMERS,
        consumers.MERGED,
        consumers.CONTRACTS,
        consumers.DEVICES,
        consumers.TIME,
        consumers.TICKETS,
    ),
    jobs=(consumers.EXPIRE, consumers.GRANT, consumers.ARCHIVE, consumers.LETTER, consumers.OVERDUE),
    long_jobs=(long_runs.RUN, long_runs.DISCARD),
    web=web.routes,
)
