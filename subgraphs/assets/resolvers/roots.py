"""The root types: what each noun can be asked and told, together."""

import strawberry

from subgraphs.assets.resolvers.assets import AssetMutation, AssetQuery, Subscription
from subgraphs.assets.resolvers.imports import ImportMutation, ImportQuery
from subgraphs.assets.resolvers.licenses import LicenseMutation, LicenseQuery
from subgraphs.assets.resolvers.software import SoftwareMutation, SoftwareQuery

__all__ = ["Mutation", "Query", "Subscription"]


@strawberry.type
class Query(AssetQuery, LicenseQuery, ImportQuery, SoftwareQuery):
    """What can be asked: customers, tickets, assets, invoices and everything else, each by the module that knows it."""


@strawberry.type
class Mutation(AssetMutation, LicenseMutation, ImportMutation, SoftwareMutation):
    """What can be done: named commands, each with one input, and an answer that says what came of it or why not."""
