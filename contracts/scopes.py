"""What one may do, and which role may do it: permissions, system roles and what separates duties, as data.

A permission is `<resource>:<action>`, and `<resource>:<action>.<qualifier>` is the same for fewer rows. A role is a set
of permissions; what no role gives is denied. Which *customers'* rows a caller sees is not decided here but by the
customers in the token, which PostgreSQL enforces.

    tickets:read          every ticket of the tenant, as far as the customers in the token go
    tickets:read.own      of these only one's own: a module that knows what that means says so (`narrows` in its manifest);
                          for every other module it is no permission at all
    tickets:*             every permission of the resource, unqualified; only system roles may say so
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Final

PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        "account:read": "See oneself: name, roles, sessions and second factors.",
        "account:write": "Look after one's own account: sessions, password, second factors and API keys.",
        "customers:read": "See customers and sites, and the contacts who work there.",
        "customers:write": "Create and change customers, sites and contacts.",
        "contacts:read": "See contacts apart from their customers.",
        "contacts:write": "Create and change contacts, and nothing else of a customer.",
        "contracts:read": "See contracts and what they cover.",
        "contracts:write": "Draw up contracts and amend them.",
        "contracts:approve": "Put contracts into force, and end them.",
        "quotes:read": "See quotes.",
        "quotes:write": "Write quotes and send them.",
        "quotes:approve": "Approve quotes; for a customer's people: accept them.",
        "opportunities:read": "See opportunities.",
        "opportunities:write": "Create opportunities and move them through the pipeline.",
        "tickets:read": "See tickets and their public messages.",
        "tickets:write": "Open tickets, answer them, and move them.",
        "tickets:read_internal": "See the internal notes of tickets.",
        "tickets:assign": "Assign tickets to people and teams.",
        "tickets:merge": "Merge tickets that are about the same thing.",
        "time:read": "See time entries.",
        "time:write": "Book time.",
        "time:approve": "Approve booked time, or send it back.",
        "time:write_others": "Book time in the name of somebody else.",
        "sla:read": "See service levels, calendars and clocks.",
        "sla:write": "Define service levels and calendars.",
        "kb:read": "Read the knowledge base.",
        "kb:write": "Write and publish articles of the knowledge base.",
        "invoices:read": "See invoices and what will be on them.",
        "invoices:write": "Draft invoices, and run the billing.",
        "invoices:approve": "Approve drafts of invoices.",
        "invoices:issue": "Issue invoices: from then on they cannot be changed.",
        "invoices:cancel": "Cancel issued invoices by a document of their own.",
        "payments:read": "See payments, bank statements and mandates.",
        "payments:write": "Record, allocate and reverse payments.",
        "dunning:read": "See dunning notices and policies.",
        "dunning:write": "Run the dunning, and block it.",
        "products:read": "See products and price lists.",
        "products:write": "Change products, price lists and tax codes.",
        "rates:read": "See what an hour is sold for.",
        "rates:write": "Change what an hour is sold for.",
        "costs:read": "See costs and margins, of people and of things.",
        "datev:export": "Export bookings for DATEV.",
        "assets:read": "See assets and their types.",
        "assets:write": "Create assets, change them, and move them through their lifecycle.",
        "licenses:read": "See licences, what they are used for, and what that means.",
        "licenses:write": "Create, assign and revoke licences.",
        "credentials:read": "Open the references to stored passwords.",
        "users:read": "See users, teams and what they may do.",
        "users:write": "Invite users, change them, disable them, and give them roles and customers.",
        "roles:read": "See roles and what they consist of.",
        "roles:write": "Make roles of one's own, and change them.",
        "apikeys:read": "See the API keys and service accounts of everybody.",
        "apikeys:write": "Create, rotate and revoke API keys and service accounts.",
        "audit:read": "Read who did what; this shows every field of everything.",
        "impersonate": "Act as another user, under one's own name.",
        "notifications:read": "See one's own notifications, and templates.",
        "notifications:write": "Look after templates and channels, and see what was sent to whom.",
        "oncall:read": "See who is on call.",
        "oncall:write": "Plan who is on call.",
        "projects:read": "See projects and their tasks.",
        "projects:write": "Create and change projects and their tasks.",
        "reports:read": "See reports and key figures.",
        "reports:write": "Define reports, and when they are sent.",
        "reports:read_people": "See key figures of single people, where the tenant allows them at all.",
        "qbr:read": "See reports of business reviews.",
        "qbr:write": "Write reports of business reviews, and publish them.",
        "workflows:read": "See workflows and their runs.",
        "workflows:write": "Write workflows.",
        "workflows:publish": "Put workflows to work.",
        "vcio:read": "See roadmaps, assessments, risks and budgets.",
        "vcio:write": "Write roadmaps, assessments, risks and budgets.",
        "comanaged:read": "See who does what where IT is managed together.",
        "comanaged:write": "Agree on who does what where IT is managed together.",
        "raci:approve": "Approve who is responsible, accountable, consulted and informed.",
        "security:read": "See security cases, alerts and obligations.",
        "security:write": "Work on security cases and alerts.",
        "containment:approve": "Approve that a device or an account is cut off; never for one's own request.",
        "evidence:read": "Open the evidence of security cases.",
        "ai:read": "See what the assistants proposed, and why.",
        "ai:write": "Ask the assistants, and take on what they propose.",
        "ai:policy": "Say what the assistants may see and do.",
        "integrations:read": "See connections to other systems.",
        "integrations:write": "Connect other systems, and map their fields.",
        "secrets:admin": "Enter and replace the secrets of connections.",
        "webhooks:read": "See webhooks and their deliveries.",
        "webhooks:write": "Create webhooks, and deliver again.",
        "deadletters:read": "See what failed for good, events and jobs, with all that is in them.",
        "deadletters:write": "Bring back what failed for good, or let it go.",
        "changes:read": "Follow what changes in everything that one may see.",
        "backup:read": "See backups and whether they are what was promised.",
        "backup:write": "Define backup jobs and what was promised.",
        "restore:run": "Restore from backups.",
        "monitoring:read": "See alerts, checks and health.",
        "monitoring:write": "Define checks, and handle alerts.",
        "maintenance:read": "See maintenance windows.",
        "maintenance:write": "Plan maintenance windows.",
        "tenant:admin": "Change the settings of the tenant, how its people sign in, and its identity providers.",
    }
)
"""Every permission there is, with what it allows."""

QUALIFIERS: Mapping[str, str] = MappingProxyType(
    {
        "own": "what is one's own, or assigned to oneself",
        "team": "what belongs to one's teams",
        "project": "what belongs to the projects that one leads",
        "names": "the names of colleagues, and nothing else of them",
        "company": "the people of one's own company",
        "shared": "what was shared with the customer's technicians",
        "summary": "the summary without its details",
        "sales": "what sales needs",
        "finance": "what bookkeeping needs",
        "security": "what the security operations centre needs",
    }
)
"""How a permission can be narrowed."""

AUDITED: Mapping[str, frozenset[str]] = MappingProxyType(
    {"finance": frozenset({"billing"}), "security": frozenset({"auth", "security"})}
)
"""Whose records `audit:read` opens when it is narrowed: the modules, by qualifier."""

ROLE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "owner": "Owner",
        "admin": "Administrator",
        "dispatcher": "Dispatcher",
        "technician": "Technician",
        "senior_technician": "Senior technician",
        "sales": "Sales",
        "accountant": "Accountant",
        "project_manager": "Project manager",
        "vcio": "vCIO",
        "soc_analyst": "SOC analyst",
        "read_only": "Read only",
        "portal_user": "Portal user",
        "portal_manager": "Portal manager",
        "comanaged_technician": "Co-managed technician",
    }
)
"""The system roles, as people call them."""

_SELF = "account:read account:write notifications:read.own notifications:write.own"
_STAFF = f"{_SELF} oncall:read kb:read notifications:read customers:read contacts:read assets:read licenses:read sla:read monitoring:read maintenance:read users:read.names"
_DESK = f"{_STAFF} tickets:read tickets:write tickets:read_internal kb:write ai:read ai:write comanaged:read"
_BOOKS_TIME = "time:read.own time:write.own"

MATRIX: Mapping[str, str] = MappingProxyType(
    {
        "owner": "*",
        "admin": f"{_SELF} customers:* contacts:* contracts:read contracts:write quotes:read quotes:write opportunities:* tickets:*"
        " time:* sla:* kb:* invoices:read products:read rates:read costs:read assets:* licenses:* credentials:read"
        " users:* roles:* apikeys:* audit:read impersonate notifications:* oncall:* projects:* reports:read qbr:*"
        " workflows:* vcio:* comanaged:* raci:approve security:read ai:* integrations:* secrets:admin webhooks:* deadletters:*"
        " changes:read backup:* restore:run monitoring:* maintenance:* tenant:admin",
        "dispatcher": f"{_DESK} customers:write contacts:write contracts:read tickets:assign tickets:merge time:read.team"
        " time:write.team time:approve.team projects:read reports:read.team workflows:read backup:read oncall:write"
        " maintenance:write",
        "technician": f"{_DESK} tickets:assign.own tickets:merge.own {_BOOKS_TIME} assets:write licenses:write"
        " credentials:read projects:read.own projects:write.own reports:read.own backup:read monitoring:write",
        "senior_technician": f"{_DESK} customers:write contacts:write contracts:read tickets:assign tickets:merge"
        " time:read.team time:write.own time:approve.team assets:write licenses:write credentials:read projects:read"
        " projects:write reports:read.team workflows:read backup:read backup:write monitoring:write maintenance:write",
        "sales": f"{_STAFF} customers:write contacts:write contracts:read contracts:write quotes:read quotes:write"
        f" opportunities:read opportunities:write tickets:read {_BOOKS_TIME} invoices:read.own products:read"
        " projects:read reports:read.sales",
        "accountant": f"{_STAFF} customers:write contacts:write contracts:read contracts:write quotes:read"
        " opportunities:read tickets:read time:read time:approve invoices:* payments:* dunning:* products:* rates:read"
        " costs:read datev:export projects:read reports:read.finance audit:read.finance",
        "project_manager": f"{_DESK} contracts:read quotes:read opportunities:read tickets:assign tickets:merge"
        " time:read.project time:write.own time:approve.project invoices:read.project costs:read.project"
        " rates:read.project projects:read projects:write reports:read.project",
        "vcio": f"{_STAFF} contracts:read quotes:read quotes:write opportunities:read opportunities:write tickets:read"
        f" tickets:read_internal {_BOOKS_TIME} assets:write licenses:write projects:read projects:write reports:read"
        " qbr:read qbr:write vcio:read vcio:write comanaged:read backup:read",
        "soc_analyst": f"{_DESK} tickets:assign tickets:merge {_BOOKS_TIME} reports:read.security workflows:read"
        " security:* containment:approve evidence:read backup:read monitoring:write audit:read.security",
        "read_only": f"{_STAFF} contracts:read quotes:read opportunities:read tickets:read tickets:read_internal time:read"
        " invoices:read projects:read reports:read qbr:read vcio:read comanaged:read backup:read",
        "portal_user": f"{_SELF} customers:read tickets:read.own tickets:write.own assets:read.own licenses:read.own kb:read",
        "portal_manager": f"{_SELF} customers:read contracts:read quotes:read quotes:approve tickets:read tickets:write"
        " invoices:read assets:read licenses:read projects:read qbr:read security:read.summary backup:read kb:read"
        " users:read.company users:write.company",
        "comanaged_technician": f"{_SELF} customers:read tickets:read tickets:write time:read.own time:write.own"
        " assets:read assets:write licenses:read licenses:write projects:read.own projects:write.own"
        " reports:read.shared comanaged:read kb:read",
    }
)
"""What each system role may do, as it is written: the matrix of roles, a column for each.

The owner holds everything, also what others do in daily work (security cases): nobody can give what they do not hold,
so what the owner lacked nobody could ever get.
"""

SERVICE_ACCOUNT: frozenset[str] = frozenset(
    [
        "customers:read",
        "customers:write",
        "contacts:read",
        "contacts:write",
        "contracts:read",
        "contracts:write",
        "quotes:read",
        "quotes:write",
        "opportunities:read",
        "opportunities:write",
        "tickets:read",
        "tickets:write",
        "invoices:read",
        "invoices:write",
        "payments:read",
        "payments:write",
        "dunning:read",
        "dunning:write",
        "datev:export",
        "assets:read",
        "assets:write",
        "licenses:read",
        "licenses:write",
        "projects:read",
        "projects:write",
        "security:read",
        "security:write",
        "backup:read",
        "backup:write",
        "monitoring:read",
        "monitoring:write",
        "webhooks:read",
        "webhooks:write",
        "changes:read",
        "kb:read",
        "sla:read",
        "products:read",
    ]
)
"""The most that a service account may be given: it has no role, its permissions are listed one by one."""

CUSTOMERS_SIDE: Final = frozenset({"portal_user", "portal_manager", "comanaged_technician"})
"""The roles for people who do not work for the tenant; nobody else may have them, and they may have no other."""


def known(permission: str) -> bool:
    """Whether there is such a permission, qualified or not; wildcards are none."""
    whole, dot, qualifier = permission.partition(".")
    return whole in PERMISSIONS and (qualifier in QUALIFIERS if dot else True)


def expanded(patterns: Iterable[str]) -> frozenset[str]:
    """The permissions that patterns stand for: `*` for all, `tickets:*` for all of a resource, the rest for themselves."""
    found: set[str] = set()
    for pattern in patterns:
        if pattern == "*":
            found.update(PERMISSIONS)
        elif pattern.endswith(":*"):
            found.update(one for one in PERMISSIONS if one.startswith(pattern[:-1]))
        else:
            found.add(pattern)
    return frozenset(found)


def covers(held: Collection[str], wanted: str) -> bool:
    """Whether somebody who holds `held` may do `wanted`; who holds the whole holds every narrower part of it."""
    return wanted in held or wanted.partition(".")[0] in held


ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {role: expanded(patterns.split()) for role, patterns in MATRIX.items()}
)
"""The system roles, with every permission that they give."""

NOT_IN_ANOTHERS_NAME: frozenset[str] = expanded(
    [
        "account:write",
        "users:write",
        "users:write.company",
        "roles:write",
        "apikeys:write",
        "impersonate",
        "tenant:admin",
        "secrets:admin",
        "credentials:read",
    ]
)
"""What nobody may do in somebody else's name: what opens doors for later, or would stay when the other is gone."""
