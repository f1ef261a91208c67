"""The two root types: what each subject can be asked and told, together."""

import strawberry

from subgraphs.integrations.resolvers.changes import ChangeQuery
from subgraphs.integrations.resolvers.inbound import InboundMutation, InboundQuery
from subgraphs.integrations.resolvers.registry import RegistryQuery
from subgraphs.integrations.resolvers.webhooks import WebhookMutation, WebhookQuery


@strawberry.type
class Query(WebhookQuery, InboundQuery, ChangeQuery, RegistryQuery):
    """What can be asked: customers, tickets, assets, invoices and everything else, each by the module that knows it."""


@strawberry.type
class Mutation(WebhookMutation, InboundMutation):
    """What can be done: named commands, each with one input, and an answer that says what came of it or why not."""
