"""The two root types: what each noun can be asked and told, together."""

import strawberry

from subgraphs.auth.resolvers.people import PeopleMutation, PeopleQuery


@strawberry.type
class Query(PeopleQuery):
    """What can be asked about identities."""


@strawberry.type
class Mutation(PeopleMutation):
    """What can be done with identities."""
