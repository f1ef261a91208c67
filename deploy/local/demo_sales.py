"""The demo's customer management: contracts in every state, a pipeline, quotes on their way, what was said, and what is to be done.

The first two customers have contracts in the books already; those of the others are here, and billing hears of them by events.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from deploy.local.scenery import Company

Command = Callable[..., Coroutine[Any, Any, str]]

_HERE = ZoneInfo("Europe/Berlin")
_STAGES = "{ pipelineStages { id name } }"
_PEOPLE = "query ($id: ID!) { customer(id: $id) { primaryContact { id } } }"

_USER = {"description": "Betreuter Arbeitsplatz", "unitPrice": "49.00", "quantityMode": "MANUAL", "unitCode": "C62"}
_SERVER = {"description": "Betreuter Server mit Überwachung", "unitPrice": "89.00", "unitCode": "C62"}
_BACKUP = {"description": "Datensicherung in unser Rechenzentrum, je 100 GB", "unitPrice": "12.50", "unitCode": "C62"}
_REMOTE = {"effect": "COVERED", "workTypes": ["remote"], "calendarPart": "BUSINESS"}
_ON_SITE = {"effect": "BILLABLE", "workTypes": ["onsite"]}


@dataclass(frozen=True, slots=True)
class Agreed:
    """A contract of the demo: when it began, what is in it, and how far it came."""

    key: str
    title: str
    type: str
    began_days_ago: int
    lines: tuple[Mapping[str, Any], ...]
    steps: tuple[str, ...] = ("submitContract", "activateContract")
    more: Mapping[str, Any] | None = None


_TERM = {"termMonths": 12, "autoRenew": True, "renewalMonths": 12, "noticeMonths": 3}
CONTRACTS = (
    Agreed("managed", "Rundum-Betreuung Arbeitsplätze", "PER_USER", 240,
           ({**_USER, "quantity": "18"}, {**_SERVER, "quantity": "2"}, {**_BACKUP, "quantity": "8"}),
           more={**_TERM, "coverage": [_REMOTE, _ON_SITE], "poNumber": "EK-2291"}),
    Agreed("flat", "IT-Flatrate Kanzlei", "FLAT_RATE", 35,
           ({"description": "IT-Flatrate, monatlich", "unitPrice": "690.00"},),
           more={**_TERM, "termMonths": 36, "coverage": [{"effect": "COVERED"}],
                 "indexation": {"type": "FIXED_PERCENT", "percent": "2.5"}}),
    Agreed("devices", "Überwachung Leitstelle", "PER_DEVICE", 400,
           ({**_SERVER, "quantity": "6", "tiers": [{"fromQuantity": "5", "unitPrice": "79.00"}]},),
           ("submitContract", "activateContract", "giveNotice"), {**_TERM, "billingInterval": "QUARTERLY"}),
    Agreed("new", "Betreuung Baustellen-Tablets", "PER_DEVICE", -20,
           ({"description": "Verwaltetes Tablet", "unitPrice": "7.90", "quantity": "25", "unitCode": "C62"},),
           ("submitContract",), _TERM),
    Agreed("draft", "Gäste-WLAN mit Jugendschutz", "FIXED_PRICE", -30,
           ({"description": "WLAN je Gebäude", "unitPrice": "129.00", "quantity": "4"},), ()),
)  # fmt: skip
"""Customer by customer, from the third on."""

OPPORTUNITIES = (
    ("Umzug der Telefonie in die Cloud", "Proposal", "8400.00", "640.00", 40),
    ("Microsoft-365-Einführung", "Qualified", "3200.00", "410.00", 75),
    ("Neue Firewalls für beide Standorte", "Negotiation", "11900.00", "180.00", 20),
    ("NIS2-Beratung mit Notfallplan", "New", "6500.00", "0.00", 90),
    ("Erneuerung der Server", "Won", "24800.00", "0.00", -12),
    ("Wartungsvertrag Drucker", "Lost", "0.00", "95.00", -30),
)
QUOTE_LINES = (
    {"description": "Firewall mit Einrichtung", "unitPrice": "1890.00", "quantity": "2", "cost": "1320.00", "group": "Geräte"},
    {"description": "Verwaltete Firewall", "unitPrice": "59.00", "quantity": "2", "recurring": "MONTHLY", "group": "Betrieb"},
    {"description": "Ersatzgerät im Haus", "unitPrice": "890.00", "optional": True, "group": "Geräte"},
    {"description": "Erweiterte Gewährleistung, fünf Jahre", "unitPrice": "310.00", "quantity": "2", "optional": True, "selected": True, "group": "Geräte"},
)  # fmt: skip
QUOTES = (
    ("Neue Firewalls", ("sendQuote",), 21),
    ("Telefonie in der Cloud", ("sendQuote", "viewQuote"), 14),
    ("Server-Erneuerung", ("sendQuote", "acceptQuote", "convertQuote"), 30),
    ("Drucker-Wartung", ("sendQuote", "rejectQuote"), 30),
    ("NIS2-Beratung", (), 45),
)
ACTIVITIES = (
    ("CALL", "Rückfrage zum Angebot", "Möchte die Ersatzgeräte als Option; schickt Maße des Serverschranks.", -3, None),
    ("MEETING", "Jahresgespräch", "Zufrieden mit der Reaktionszeit. Thema für das nächste Mal: Notfallplan.", -40, None),
    ("TASK", "Angebot nachfassen", None, 2, 2),
    ("NOTE", "Ansprechpartnerin ab Mai in Elternzeit", "Vertretung ist noch offen, im April nachfragen.", -10, None),
    ("EMAIL", "Unterlagen zur Auftragsverarbeitung geschickt", None, -21, None),
    ("TASK", "Termin für die Umstellung abstimmen", "Am besten ein Freitagnachmittag.", 6, 6),
)  # fmt: skip


class Asking(Protocol):
    """What asks the graph for the demo: `httpx2.AsyncClient`, as far as it is needed here."""

    async def post(self, url: str, *, json: Any) -> Any:
        """Ask."""


async def make(
    client: Asking, command: Command, companies: Sequence[Company], ids: Mapping[str, str], today: date
) -> int:
    """Make what crm has beside customers, sites and contacts; how many contracts there are."""
    sales = Sales(client, command, [ids[one.number] for one in companies], today)
    await sales.describe()
    await sales.agree()
    await sales.hope()
    await sales.offer()
    await sales.talk()
    return len(CONTRACTS)


@dataclass(frozen=True, slots=True)
class Sales:
    """The customer management of one tenant while it is being furnished."""

    client: Asking
    command: Command
    customers: Sequence[str]
    today: date

    async def describe(self) -> None:
        """A group, fields of one's own, and values in them."""
        group = await self.command(
            "createCustomerGroup", "customerGroup", "first", name="Einkaufsverbund Nord", countUsersOncePerGroup=True
        )
        fields: tuple[dict[str, Any], ...] = (
            {"key": "careLevel", "label": "Betreuungsstufe", "type": "CHOICE", "options": ["Basis", "Plus", "Premium"],
             "shared": True},
            {"key": "workplaces", "label": "Arbeitsplätze", "type": "NUMBER"},
            {"key": "dataProcessingAgreement", "label": "AV-Vertrag vom", "type": "DATE"},
        )  # fmt: skip
        for place, one in enumerate(fields):
            await self.command("createCustomField", "customField", one["key"], entity="CUSTOMER", position=place, **one)
        for place, customer in enumerate(self.customers[:6]):
            values = {"careLevel": ("Premium", "Plus", "Basis")[place % 3], "workplaces": str(8 + 7 * place)}
            await self.command(
                "updateCustomer", "customer", f"fields-{place}", id=customer, customFields=values,
                groupId=group if place % 3 == 1 else None,
            )  # fmt: skip

    async def agree(self) -> None:
        """Contracts, as far as they came."""
        for customer, one in zip(self.customers[2:], CONTRACTS, strict=False):
            contract = await self.command(
                "createContract", "contract", one.key, customerId=customer, title=one.title, type=one.type,
                startDate=str(self.today - timedelta(days=one.began_days_ago)), lines=list(one.lines), **(one.more or {}),
            )  # fmt: skip
            for step in one.steps:
                said = {"by": "CUSTOMER"} if step == "giveNotice" else {}
                await self.command(step, "contract", one.key, id=contract, **said)

    async def hope(self) -> None:
        """The pipeline: the first opportunity brings its stages."""
        stages: dict[str, str] = {}
        for place, (title, stage, amount, monthly, days) in enumerate(OPPORTUNITIES):
            made = await self.command(
                "createOpportunity", "opportunity", str(place), customerId=self._of(place), title=title, amount=amount,
                mrrAmount=monthly, expectedClose=str(self.today + timedelta(days=days)),
            )  # fmt: skip
            stages = stages or {one["name"]: one["id"] for one in (await self._ask(_STAGES))["pipelineStages"]}
            if stage == "Lost":
                await self.command(
                    "loseOpportunity", "opportunity", str(place), id=made, reason="Wettbewerber war günstiger"
                )
            elif stage != "New":
                await self.command("moveOpportunity", "opportunity", str(place), id=made, stageId=stages[stage])

    async def offer(self) -> None:
        """Quotes on their way: sent, looked at, accepted and become a contract, turned down, and one that is being written."""
        words: Mapping[str, Mapping[str, Any]] = {
            "acceptQuote": {"name": "Geschäftsführung"},
            "rejectQuote": {"reason": "Kommt erst im nächsten Haushalt infrage", "name": "Einkauf"},
            "convertQuote": {
                "type": "FIXED_PRICE",
                "startDate": str(self.today + timedelta(days=14)),
                "termMonths": 12,
            },
        }
        for place, (title, steps, days) in enumerate(QUOTES):
            quote = await self.command(
                "createQuote", "quote", str(place), customerId=self._of(place), title=title, lines=list(QUOTE_LINES),
                validUntil=str(self.today + timedelta(days=days)),
                termsText="Zahlbar innerhalb von 14 Tagen ohne Abzug. Lieferung etwa zwei Wochen nach Auftrag.",
            )  # fmt: skip
            for step in steps:
                await self.command(step, "quote", str(place), id=quote, **words.get(step, {}))

    async def talk(self) -> None:
        """What was said with the first customers, what is to be done, and what their people allowed."""
        for at, customer in enumerate(self.customers[:3]):
            found = (await self._ask(_PEOPLE, id=customer))["customer"]["primaryContact"]
            contact = found["id"] if found else None
            for place, (kind, subject, body, days, due) in enumerate(ACTIVITIES[at:] if at else ACTIVITIES):
                moment = datetime.combine(self.today + timedelta(days=days), time(9 + place), _HERE).isoformat()
                when = {"dueAt": moment} if due is not None else {"happenedAt": moment}
                await self.command(
                    "logActivity", "activity", f"{at}-{place}", customerId=customer, contactId=contact, kind=kind,
                    subject=subject, body=body, **when,
                )  # fmt: skip
            if contact:
                await self.command(
                    "recordConsent", "consentRecord", str(at), contactId=contact, purpose="NEWSLETTER", basis="CONSENT",
                    proof="Formular auf der Website mit bestätigter Adresse (Double-Opt-in)",
                )  # fmt: skip

    def _of(self, place: int) -> str:
        return self.customers[place % len(self.customers)]

    async def _ask(self, text: str, **variables: str) -> Any:
        answer = await self.client.post("/graphql", json={"query": text, "variables": variables})
        return answer.json()["data"]
