"""The root types: what each noun can be asked, told and watched, together."""

import strawberry

from subgraphs.crm.resolvers.contracts import ContractMutation, ContractQuery
from subgraphs.crm.resolvers.customers import CustomerMutation, CustomerQuery, CustomerSubscription
from subgraphs.crm.resolvers.relations import RelationMutation, RelationQuery
from subgraphs.crm.resolvers.sales import SalesMutation, SalesQuery, SalesSubscription
from subgraphs.crm.resolvers.transfers import TransferMutation, TransferQuery


@strawberry.type
class Query(CustomerQuery, ContractQuery, SalesQuery, RelationQuery, TransferQuery):
    """What can be asked: customers, tickets, assets, invoices and everything else, each by the module that knows it."""


@strawberry.type
class Mutation(CustomerMutation, ContractMutation, SalesMutation, RelationMutation, TransferMutation):
    """What can be done: named commands, each with one input, and an answer that says what came of it or why not."""


@strawberry.type
class Subscription(CustomerSubscription, SalesSubscription):
    """What can be watched as it happens, by those who may see it."""
