"""The two root types: what each noun can be asked and told, together."""

import strawberry

from subgraphs.auth.resolvers.people import PeopleMutation, PeopleQuery
from subgraphs.auth.resolvers.rights import RightsMutation, RightsQuery


@strawberry.type
class Query(PeopleQuery, RightsQuery):
    """What can be asked about identities."""


@strawberry.type
class Mutation(PeopleMutation, RightsMutation):
    """What can be done with identities."""
