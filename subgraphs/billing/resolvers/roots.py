"""The root types: what each noun can be asked and told, together."""

import strawberry

from subgraphs.billing.resolvers.agreements import AgreementMutation, AgreementQuery
from subgraphs.billing.resolvers.catalogue import CatalogueMutation, CatalogueQuery
from subgraphs.billing.resolvers.invoices import InvoiceMutation, InvoiceQuery, InvoiceSubscription
from subgraphs.billing.resolvers.receivables import ReceivableMutation, ReceivableQuery


@strawberry.type
class Query(AgreementQuery, CatalogueQuery, InvoiceQuery, ReceivableQuery):
    """What can be asked about billing."""


@strawberry.type
class Mutation(AgreementMutation, CatalogueMutation, InvoiceMutation, ReceivableMutation):
    """What can be done in billing."""


@strawberry.type
class Subscription(InvoiceSubscription):
    """What can be watched in billing."""
