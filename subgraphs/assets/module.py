"""Assets, what customers have and we look after: what the kit needs to run it."""

from contracts.events import assets as events
from subgraphs.assets import consumers
from subgraphs.assets.resolvers import roots
from subgraphs.assets.service import long_imports
from subgraphs.assets.types import assets as types
from subgraphs.assets.types import others
from subgraphs.kit.module import Module

module = Module(
    name="assets",
    purpose="Asset management: devices of our customers and of our own, where they are in their life, when it ends.",
    query=roots.Query,
    mutation=roots.Mutation,
    subscription=roots.Subscription,
    extends=(types.Customer, others.Contact, others.Site),
    events=tuple(events.CATALOGUE.values()),
    narrows=("assets:read", "assets:write", "licenses:read", "licenses:write"),
    references=("Customer", "Site"),
    consumers=(consumers.MERGED, consumers.ZONES),
    jobs=(consumers.EOL, consumers.WARRANTY, consumers.STALE, consumers.RENEWAL),
    long_jobs=(long_imports.IMPORT,),
)
