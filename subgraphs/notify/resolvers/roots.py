"""The root types: what those who are told and those who look after channels can ask and tell, together."""

import strawberry

from subgraphs.notify.resolvers.channels import ChannelMutation, ChannelQuery
from subgraphs.notify.resolvers.on_call import OnCallMutation, OnCallQuery
from subgraphs.notify.resolvers.people import PersonMutation, PersonQuery, PersonSubscription


@strawberry.type
class Query(PersonQuery, ChannelQuery, OnCallQuery):
    """What can be asked: customers, tickets, assets, invoices and everything else, each by the module that knows it."""


@strawberry.type
class Mutation(PersonMutation, ChannelMutation, OnCallMutation):
    """What can be done: named commands, each with one input, and an answer that says what came of it or why not."""


@strawberry.type
class Subscription(PersonSubscription):
    """What can be watched as it happens, by those who may see it."""
