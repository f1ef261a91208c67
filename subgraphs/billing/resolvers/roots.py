"""The root types: what each noun can be asked and told, together."""

import strawberry

from subgraphs.billing.resolvers.agreements import AgreementMutation, AgreementQuery
from subgraphs.billing.resolvers.catalogue import CatalogueMutation, CatalogueQuery
from subgraphs.billing.resolvers.inbound import InboundMutation, InboundQuery
from subgraphs.billing.resolvers.invoices import InvoiceMutation, InvoiceQuery, InvoiceSubscription
from subgraphs.billing.resolvers.items import ItemMutation, ItemQuery
from subgraphs.billing.resolvers.receivables import ReceivableMutation, ReceivableQuery
from subgraphs.billing.resolvers.runs import RunMutation, RunQuery, RunSubscription
from subgraphs.billing.resolvers.sepa import SepaMutation, SepaQuery


@strawberry.type
class Query(
    AgreementQuery, CatalogueQuery, InboundQuery, InvoiceQuery, ItemQuery, ReceivableQuery, RunQuery, SepaQuery
):
    """What can be asked: customers, tickets, assets, invoices and everything else, each by the module that knows it."""


@strawberry.type
class Mutation(
    AgreementMutation,
    CatalogueMutation,
    InboundMutation,
    InvoiceMutation,
    ItemMutation,
    ReceivableMutation,
    RunMutation,
    SepaMutation,
):
    """What can be done: named commands, each with one input, and an answer that says what came of it or why not."""


@strawberry.type
class Subscription(InvoiceSubscription, RunSubscription):
    """What can be watched as it happens, by those who may see it."""
