"""Integrations: what the kit needs to run them."""

from contracts.events import integrations as events
from subgraphs.integrations import consumers, web
from subgraphs.integrations.resolvers import roots
from subgraphs.integrations.service import changes, dispatch, long_replays, watching
from subgraphs.kit.module import Module

module = Module(
    name="integrations",
    purpose="Other systems, told and listened to: webhooks out and in, the feed of changes, the registered modules.",
    query=roots.Query,
    mutation=roots.Mutation,
    events=tuple(events.CATALOGUE.values()),
    references=("Customer",),
    consumers=consumers.ALL,
    jobs=(dispatch.DELIVER, changes.SWEEP, watching.LOOK),
    long_jobs=(long_replays.REPLAY,),
    web=web.routes,
    seals=True,
)
