"""The root types: what each noun can be asked, told and watched, together."""

import strawberry

from subgraphs.crm.resolvers.contracts import ContractMutation, ContractQuery
from subgraphs.crm.resolvers.customers import CustomerMutation, CustomerQuery, CustomerSubscription
from subgraphs.crm.resolvers.relations import RelationMutation, RelationQuery
from subgraphs.crm.resolvers.sales import SalesMutation, SalesQuery, SalesSubscription
from subgraphs.crm.resolvers.transfers import TransferMutation, TransferQuery


@strawberry.type
class Query(CustomerQuery, ContractQuery, SalesQuery, RelationQuery, TransferQuery):
    """What can be asked about customers."""


@strawberry.type
class Mutation(CustomerMutation, ContractMutation, SalesMutation, RelationMutation, TransferMutation):
    """What can be done with customers."""


@strawberry.type
class Subscription(CustomerSubscription, SalesSubscription):
    """What can be watched about customers."""
