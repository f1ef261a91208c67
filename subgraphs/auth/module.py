"""Identity: what the kit needs to run it."""

from contracts.events import auth as events
from subgraphs.auth import consumers, web
from subgraphs.auth.resolvers import roots
from subgraphs.auth.service import impersonation, keys, logouts, mails, sweeping
from subgraphs.auth.types.people import Contact
from subgraphs.auth.web import internal
from subgraphs.kit.module import Module

module = Module(
    name="auth",
    company=("users:read", "users:write"),
    internal_graph=("Mutation.enrollMfa", "Mutation.confirmMfa", "Mutation.removeMfa"),
    purpose="Who works here, how they prove it, and what they are granted.",
    query=roots.Query,
    mutation=roots.Mutation,
    subscription=roots.Subscription,
    extends=(Contact,),
    events=tuple(events.CATALOGUE.values()),
    references=("Customer", "Contact"),
    consumers=(consumers.TREE, consumers.LEFT, consumers.SECURITY),
    jobs=(impersonation.EXPIRE, keys.ROTATE, logouts.TELL, mails.SEND, sweeping.SWEEP),
    web=web.routes,
    internal=internal.routes,
    seals=True,
)
