"""The ways into the service desk without a request: the timers of clocks, and the news of contacts."""

from __future__ import annotations

from contracts.events import auth, billing, crm
from subgraphs.kit import merged
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.jobs import Job
from subgraphs.tickets.models.tickets import Model
from subgraphs.tickets.service import billed, contacts, merging, moves, people, planning, policies, sla, teams

CONTACTS = Consumer(name="contacts", events=(crm.ContactCreated.type, crm.ContactUpdated.type), handle=contacts.learn)
LEFT = Consumer(name="contacts_who_left", events=(crm.ContactDeactivated.type,), handle=contacts.left)
TEAMS = Consumer(name="teams", events=(auth.TeamUpdated.type,), handle=teams.learn)
USERS = Consumer(
    name="users", events=(auth.UserCreated.type, auth.UserUpdated.type, auth.UserDisabled.type), handle=people.learn
)
ACCESS = Consumer(name="access", events=(auth.UserAccessChanged.type,), handle=people.learn_access)
BILLED = Consumer(name="billed_time", events=(billing.TimeEntryBilled.type,), handle=billed.billed)
UNBILLED = Consumer(name="unbilled_time", events=(billing.InvoiceCancelled.type,), handle=billed.cancelled)
MERGED = merged.customers(Model)

CHECK = Job(name=sla.CHECK_JOB, handle=sla.checked)
REPLAY = Job(name=policies.REPLAY_JOB, handle=policies.replay)
CLOSE = Job(name=moves.CLOSE_JOB, handle=moves.close_due)
MOVE_TIME = Job(name=merging.MOVE_TIME_JOB, handle=merging.move_time)
RECUR = Job(name=planning.RECUR_JOB, handle=planning.recur)
