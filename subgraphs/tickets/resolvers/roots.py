"""The root types: what each noun can be asked, told and watched, together."""

import strawberry

from subgraphs.tickets.resolvers.approvals import ApprovalMutation, ApprovalQuery
from subgraphs.tickets.resolvers.content import ContentMutation, ContentQuery
from subgraphs.tickets.resolvers.desk import DeskMutation, DeskQuery
from subgraphs.tickets.resolvers.macros import MacroMutation, MacroQuery, PresenceSubscription
from subgraphs.tickets.resolvers.planning import PlanningMutation, PlanningQuery
from subgraphs.tickets.resolvers.sla import SlaMutation, SlaQuery
from subgraphs.tickets.resolvers.tickets import TicketMutation, TicketQuery, TicketSubscription
from subgraphs.tickets.resolvers.time_entries import TimeMutation, TimeQuery


@strawberry.type
class Query(TicketQuery, DeskQuery, SlaQuery, TimeQuery, ContentQuery, PlanningQuery, MacroQuery, ApprovalQuery):
    """What can be asked: customers, tickets, assets, invoices and everything else, each by the module that knows it."""


@strawberry.type
class Mutation(
    TicketMutation,
    DeskMutation,
    SlaMutation,
    TimeMutation,
    ContentMutation,
    PlanningMutation,
    MacroMutation,
    ApprovalMutation,
):
    """What can be done: named commands, each with one input, and an answer that says what came of it or why not."""


@strawberry.type
class Subscription(TicketSubscription, PresenceSubscription):
    """What can be watched as it happens, by those who may see it."""
