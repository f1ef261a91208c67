"""Customer management: what the kit needs to run it."""

from contracts.events import crm as events
from subgraphs.crm import consumers, web
from subgraphs.crm.resolvers import roots
from subgraphs.crm.service import long_imports
from subgraphs.crm.types import others
from subgraphs.kit.module import Module

module = Module(
    name="crm",
    purpose="Customers, the people who work there, the places where they are, and what was agreed with them.",
    query=roots.Query,
    mutation=roots.Mutation,
    subscription=roots.Subscription,
    events=tuple(events.CATALOGUE.values()),
    extends=(others.User, others.Asset, others.Product),
    references=("Asset",),
    consumers=(consumers.USERS, consumers.SELLERS, consumers.PRODUCTS),
    jobs=consumers.JOBS,
    long_jobs=(long_imports.IMPORT,),
    web=web.routes,
)
