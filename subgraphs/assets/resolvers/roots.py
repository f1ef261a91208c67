"""The root types: what can be asked, done and watched, put together from the nouns."""

from __future__ import annotations

import strawberry

from subgraphs.assets.resolvers import assets, imports, licences, relations


@strawberry.type
class Query(assets.Query, licences.Query, relations.Query):
    """What can be asked about assets."""


@strawberry.type
class Mutation(assets.Mutation, licences.Mutation, relations.Mutation, imports.Mutation):
    """What can be done with assets."""


@strawberry.type
class Subscription(assets.Subscription):
    """What can be watched about assets."""
