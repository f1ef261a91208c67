"""The root types: what each noun can be asked and told, together."""

import strawberry

from subgraphs.auth.resolvers.impersonation import ImpersonationMutation, ImpersonationQuery
from subgraphs.auth.resolvers.people import PeopleMutation, PeopleQuery
from subgraphs.auth.resolvers.reviews import ReviewMutation, ReviewQuery, ReviewSubscription
from subgraphs.auth.resolvers.rights import RightsMutation, RightsQuery
from subgraphs.auth.resolvers.service_accounts import ServiceAccountMutation, ServiceAccountQuery
from subgraphs.auth.resolvers.sign_in import SignInMutation, SignInQuery
from subgraphs.auth.resolvers.upstream import UpstreamMutation, UpstreamQuery


@strawberry.type
class Query(ImpersonationQuery, PeopleQuery, ReviewQuery, RightsQuery, ServiceAccountQuery, SignInQuery, UpstreamQuery):
    """What can be asked: customers, tickets, assets, invoices and everything else, each by the module that knows it."""


@strawberry.type
class Mutation(
    ImpersonationMutation,
    PeopleMutation,
    ReviewMutation,
    RightsMutation,
    ServiceAccountMutation,
    SignInMutation,
    UpstreamMutation,
):
    """What can be done: named commands, each with one input, and an answer that says what came of it or why not."""


@strawberry.type
class Subscription(ReviewSubscription):
    """What can be watched as it happens, by those who may see it."""
