"""Notify: what the kit needs to run it."""

from contracts.events import notify as events
from subgraphs.kit.module import Module
from subgraphs.notify import consumers, web
from subgraphs.notify.resolvers import roots
from subgraphs.notify.service import dispatch, pages
from subgraphs.notify.types.people import User

module = Module(
    name="notify",
    purpose="People are told: in the app, by mail, by Teams and SMS; as they like it, and when.",
    query=roots.Query,
    mutation=roots.Mutation,
    subscription=roots.Subscription,
    extends=(User,),
    events=tuple(events.CATALOGUE.values()),
    references=("Customer",),
    narrows=("notifications:read", "notifications:write"),
    consumers=consumers.ALL,
    jobs=(dispatch.SEND, pages.ESCALATE),
    web=web.routes,
    seals=True,
)
