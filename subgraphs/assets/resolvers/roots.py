"""The root types: what each noun can be asked and told, together."""

import strawberry

from subgraphs.assets.resolvers.assets import AssetMutation, AssetQuery, Subscription
from subgraphs.assets.resolvers.imports import ImportMutation, ImportQuery
from subgraphs.assets.resolvers.licenses import LicenseMutation, LicenseQuery
from subgraphs.assets.resolvers.software import SoftwareMutation, SoftwareQuery

__all__ = ["Mutation", "Query", "Subscription"]


@strawberry.type
class Query(AssetQuery, LicenseQuery, ImportQuery, SoftwareQuery):
    """What can be asked about assets."""


@strawberry.type
class Mutation(AssetMutation, LicenseMutation, ImportMutation, SoftwareMutation):
    """What can be done with assets."""
