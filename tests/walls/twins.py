"""Tenants that look alike: the same people, numbers and names, except that every string carries a mark of its owner.

    tenant ┬─ household x: a customer with two sites, contacts, assets and tickets, replies and an internal note, a contract and sales
           ├─ household y: the same again, and the parent of x
           └─ internal (i): stock without a customer, a type of asset, a user, a team, a role and an API key

Everything is made by commands, with input that is generated from their types: a new field is filled, and therefore
marked, without a line here. The first letter after `zz` in a mark is the tenant's, the second the household's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from contracts.scopes import PERMISSIONS
from subgraphs.kit.caller import Caller
from subgraphs.kit.shapes import camel
from tests.walls.platform import Platform
from tests.walls.probes import Foreign, Probe, Speller, operation, roots
from tests.walls.search import marks

SOMEBODY = UUID("0192f000-0000-7000-8000-0000000000ff")
"""Who works in all tenants: even what is kept per person must not be shared."""


_A_MAIL_SERVER = {
    "fallbackAddress": "all@mail.example",
    "host": "mail.example",
    "port": 587,
    "sender": "desk@mail.example",
    "eventPatterns": ["ticket.assigned"],
}


@dataclass(slots=True)
class Household:
    """A customer and what belongs to it: an identifier for each type."""

    words: Iterator[str]
    ids: dict[str, str] = field(default_factory=lambda: {"User": str(uuid4())})


@dataclass(frozen=True, slots=True)
class Twin:
    """One tenant and its two households."""

    tenant: UUID
    x: Household
    y: Household

    def staff(self, **changes: Any) -> Caller:
        """Somebody who may do everything here, unless `changes` says otherwise."""
        plain: dict[str, Any] = {
            "tenant": self.tenant,
            "subject": SOMEBODY,
            "kind": "STAFF",
            "scopes": frozenset(PERMISSIONS),
        }
        return Caller(**plain | changes)

    def portal(self, **changes: Any) -> Caller:
        """A user of household x, who may do nearly everything there: the walls are between them and the rest."""
        scopes = frozenset(PERMISSIONS) - {"tickets:read_internal"}
        customers = frozenset({UUID(self.x.ids["Customer"])})
        return self.staff(**{"kind": "CUSTOMER", "scopes": scopes, "customers": customers} | changes)


async def built(platform: Platform, letter: str) -> Twin:
    """Make a tenant whose marks begin with `zz` and this letter."""
    twin = Twin(uuid4(), Household(marks(f"{letter}x")), Household(marks(f"{letter}y")))
    make = Maker(platform, twin)
    for home in (twin.y, twin.x):
        await _furnish(make, home)
    await make.command(twin.x, "updateCustomer", {"parentId": twin.y.ids["Customer"]})
    internal = Household(marks(f"{letter}i"))
    await make.command(internal, "inviteUser", {"kind": "STAFF"})
    await make.command(internal, "activateUser", {})
    await make.command(internal, "createTeam", {"memberIds": [internal.ids["User"]], "leadId": internal.ids["User"]})
    await make.command(internal, "createRole", {})
    await make.command(internal, "createApiKey", {"ownerId": internal.ids["User"]})
    await make.command(internal, "createServiceAccount", {})
    twin.x.ids |= {kind: internal.ids[kind] for kind in ("Team", "Role", "ApiKey", "ServiceAccount")}
    await make.command(internal, "createAsset", {"status": "IN_STOCK"})
    await make.command(internal, "createAssetType", {})
    await make.command(internal, "upsertTemplate", {"eventType": "ticket.assigned", "channel": "EMAIL"})
    await make.command(internal, "createChannelConfig", {"kind": "EMAIL", **_A_MAIL_SERVER})
    await make.command(internal, "upsertProduct", {"unitCode": "C62", "taxCode": "DE19"})
    for home in (internal, twin.x):
        whose = {"customerId": home.ids["Customer"]} if "Customer" in home.ids else {}
        # What it hears is little, so that callers who lack one permission or another may still look after it.
        await make.command(home, "createWebhookSubscription", {**whose, "scopes": []})
        await make.command(home, "testWebhookSubscription", {"subscriptionId": home.ids["WebhookSubscription"]})
        await make.command(home, "createInboundEndpoint", {**whose, "auth": "HEADER"})
    return twin


async def _furnish(make: Maker, home: Household) -> None:
    await make.command(home, "createCustomer", {})
    people = {"kind": "CUSTOMER", "customerId": home.ids["Customer"], "roles": ["portal_user"]}
    await make.command(home, "inviteUser", people)
    await make.command(home, "grantCustomerAccess", {})
    for _ in range(2):
        await make.command(home, "createSite", {})
        await make.command(home, "createContact", {"siteId": home.ids["Site"]})
        place = {"customerId": home.ids["Customer"], "siteId": home.ids["Site"], "contactId": home.ids["Contact"]}
        await make.command(home, "createAsset", {**place, "status": "DEPLOYED"})
        about = {"contactId": home.ids["Contact"], "assetId": home.ids["Asset"], "assigneeId": home.ids["User"]}
        await make.command(home, "createTicket", about)
        for talk in ("addNote", "replyToTicket", "startTicket", "resolveTicket"):
            await make.command(home, talk, {})
    await _sell(make, home)


async def _sell(make: Maker, home: Household) -> None:
    """What crm has beside customers, sites and contacts: each with rows behind the second wall."""
    terms = {
        "startDate": "2026-01-01",
        "endDate": "2026-12-31",
        "termMonths": 12,
        "renewalMonths": 12,
        "noticeMonths": 3,
    }
    line = {"description": next(home.words), "unitPrice": "1"}
    coverage = [{"effect": "COVERED", "workTypes": [next(home.words)], "siteIds": [home.ids["Site"]]}]
    await make.command(
        home,
        "createContract",
        {**terms, "lines": [line], "coverage": coverage, "indexation": None, "customFields": None},
    )
    await make.command(home, "activateContract", {"signedAt": None})
    await make.command(home, "createOpportunity", {"customFields": None})
    for step in ("createQuote", "sendQuote"):
        offered = {"lines": [line], "validUntil": "2099-12-31", "opportunityId": home.ids["Opportunity"]}
        await make.command(home, step, offered if step == "createQuote" else {})
    about = {"contactId": home.ids["Contact"], "opportunityId": home.ids["Opportunity"]}
    await make.command(home, "logActivity", {**about, "kind": "TASK", "dueAt": "2099-01-01T08:00:00Z"})
    await make.command(home, "recordConsent", {"givenAt": None})
    await make.command(home, "createCustomerGroup", {})
    await make.command(
        home, "createCustomField", {"entity": "CUSTOMER", "type": "TEXT", "options": None, "required": False}
    )


@dataclass(slots=True)
class Maker:
    """Runs commands for a tenant as its staff."""

    platform: Platform
    twin: Twin
    keys: Iterator[int] = field(default_factory=itertools.count)

    async def command(self, home: Household, name: str, more: Mapping[str, Any]) -> None:
        """Run a command with marked input and `more`; it must be done. Remember what it was about."""
        arguments = Speller(home.ids, home.words).arguments(roots(self.platform.api, "mutation")[name])
        # The same keys in every tenant: those who repeat a key of somebody else must not get their answer.
        arguments["input"] |= {**more, "clientMutationId": f"seed-{next(self.keys)}"}
        text, variables = operation(self.platform.api, Probe("mutation", name, arguments))
        payload = (await self.platform.data(self.twin.staff(), text, **variables))[name]
        assert payload["errors"] == [], (name, arguments, payload)
        entity = next(value for value in payload.values() if isinstance(value, dict))
        if "id" in entity:
            await self._remember(home, entity["__typename"], entity["id"])

    async def _remember(self, home: Household, kind: str, identity: str) -> None:
        """Keep the id of the last thing of this kind, and let the modules know it that copy things of other modules."""
        home.ids[kind] = identity
        await self.platform.teach(kind, identity, tenant=self.twin.tenant, customer=home.ids.get("Customer"))


async def loot(platform: Platform, where: str, *arguments: Any, with_column: str = "tenant_id") -> Foreign:
    """Everything that can be named of the rows that `where` selects: their ids by table, their texts by what they are."""
    ids: dict[str, set[str]] = {}
    texts: dict[str, set[str]] = {}
    for table in await platform.tables(with_column=with_column):
        for row in await platform.admin.fetch(f"SELECT * FROM {table} t WHERE {where}", *arguments):
            if "version" in row:  # what a module is about, and no record of it
                ids.setdefault(table, set()).add(str(row["id"]))
                ids.setdefault("tenant", set()).add(str(row["tenant_id"]))
                for column, value in row.items():
                    if isinstance(value, str) and 3 < len(value) < 200:
                        texts.setdefault(camel(column), set()).add(value)
    return Foreign(
        {kind: sorted(found) for kind, found in ids.items()}, {kind: sorted(found) for kind, found in texts.items()}
    )


async def cursors(platform: Platform, caller: Caller) -> list[str]:
    """The cursors of everything that a caller can page through."""
    found: list[str] = []
    for name in roots(platform.api, "query"):
        if name.endswith("Connection"):
            page = await platform.data(caller, f"{{ {name} {{ edges {{ cursor }} }} }}")
            found += [edge["cursor"] for edge in page[name]["edges"][:3]]
    return found
