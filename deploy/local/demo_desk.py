"""The demo's service desk: queues with addresses, what is promised to whom, talk, time, a template and two articles."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol

from deploy.local.scenery import Story

QUESTION = "{ queues { id name } workTypes { id key } businessCalendars { id name } }"

_TALK = (
    ("replyToTicket", "Guten Tag, wir sehen uns das gleich an und melden uns in einer Stunde wieder."),
    ("addNote", "Tritt seit dem letzten Update auf; beim Nachbarn gab es das im März auch, siehe Wissensdatenbank."),
)
_WORKED = ("Fehler nachgestellt und Protokolle gesichtet", "Vor Ort geprüft und Kabel getauscht", "Einstellung korrigiert, mit Anwender getestet")  # fmt: skip
_BUSY = frozenset({"IN_PROGRESS", "WAITING_VENDOR", "RESOLVED", "CLOSED"})
_TARGETS = (("P1", 15, 120), ("P2", 30, 240), ("P3", 120, 960), ("P4", 240, 1920))
_ARTICLES = (
    ("Drucker zieht kein Papier", "Fach ganz herausziehen, Rolle mit einem feuchten Tuch abwischen, Fach wieder einsetzen.", "CUSTOMERS"),
    ("VPN bricht ab: MTU prüfen", "Auf der Firewall die MTU des Tunnels auf 1400 setzen und die Sitzung neu aufbauen.", "INTERNAL"),
)  # fmt: skip

_MACROS: tuple[Mapping[str, Any], ...] = (
    {"name": "Ich kümmere mich", "assignToMe": True, "reply": "Guten Tag, ich sehe mir das an und melde mich heute noch.", "tags": ["in arbeit"]},
    {"name": "Toner getauscht", "reply": "Der Toner ist getauscht.", "note": "Aus dem Lager, Regal 3.", "resolution": "Toner getauscht.", "tags": ["toner"]},
)  # fmt: skip

Command = Callable[..., Coroutine[Any, Any, str]]


class Asking(Protocol):
    """What asks the graph for the demo: `httpx2.AsyncClient`, as far as it is needed here."""

    async def post(self, url: str, *, json: Any) -> Any:
        """Ask."""


@dataclass(slots=True)
class Desk:
    """The desk of one tenant while it is being furnished."""

    client: Asking
    command: Command
    slug: str
    began: date
    queues: Mapping[str, str] = field(default_factory=dict)
    work_types: Mapping[str, str] = field(default_factory=dict)
    calendars: Mapping[str, str] = field(default_factory=dict)

    async def furnish(self, customer: str) -> None:
        """Make what stands before the first ticket comes; the first customer is promised more than the others."""
        found = (await self.client.post("/graphql", json={"query": QUESTION})).json()["data"]
        self.queues = {one["name"]: one["id"] for one in found["queues"]}
        self.work_types = {one["key"]: one["id"] for one in found["workTypes"]}
        self.calendars = {one["name"]: one["id"] for one in found["businessCalendars"]}
        await self.command(
            "updateQueue", "queue", "desk", id=self.queues["Service Desk"], email=f"service@{self.slug}.example"
        )
        await self.command("createSubStatus", "subStatus", "parts", label="Ersatzteil bestellt", status="WAITING_VENDOR", pausesSla=True)  # fmt: skip
        hardware = await self.command("createTicketCategory", "category", "hardware", name="Hardware")
        await self.command("createTicketCategory", "category", "printers", name="Drucker", parentId=hardware)
        await self._promise_more(customer)
        await self._plan(customer)
        for place, given in enumerate(_MACROS):
            await self.command("createMacro", "macro", str(place), **given)
        for place, (title, body, visibility) in enumerate(_ARTICLES):
            article = await self.command(
                "createKbArticle", "article", str(place), title=title, body=body, visibility=visibility
            )
            await self.command("publishKbArticle", "article", str(place), id=article)

    async def _promise_more(self, customer: str) -> None:
        around_the_clock = self.calendars["24x7"]
        targets = [
            {"priority": priority, "metric": metric, "minutes": minutes,
             **({"calendarId": around_the_clock} if priority == "P1" else {})}
            for priority, answer, solution in _TARGETS
            for metric, minutes in (("FIRST_RESPONSE", answer), ("RESOLUTION", solution))
        ]  # fmt: skip
        state = "Schleswig-Holstein" if self.slug == "nordlicht" else "Bayern"
        gold = await self.command(
            "createSlaPolicy", "policy", "gold", name="Gold", calendarId=self.calendars[f"{state} Mo-Fr 08-17"],
            targets=targets, updateTargetMinutes=480,
        )  # fmt: skip
        await self.command("assignSlaPolicy", "policy", "gold", policyId=gold, customerId=customer)

    async def _plan(self, customer: str) -> None:
        steps = [{"text": text, "required": required} for text, required in (
            ("Datensicherung prüfen", True), ("Updates einspielen", True), ("Server neu starten", False))]  # fmt: skip
        template = await self.command(
            "createTicketTemplate", "template", "patchday", name="Patchday", title="Monatliche Wartung der Server",
            type="CHANGE", impact="LOW", urgency="MEDIUM", queueId=self.queues["Service Desk"], tags=["wartung"],
            checklist=steps,
        )  # fmt: skip
        begins = datetime.combine(self.began, time(6), UTC)
        await self.command(
            "createRecurringTicket", "recurringTicket", "patchday", customerId=customer, templateId=template,
            rrule="FREQ=MONTHLY;BYDAY=2WE", startsAt=begins.isoformat(),
        )  # fmt: skip

    def queue(self, story: Story) -> str | None:
        """Where a ticket waits."""
        return self.queues.get("Alerts" if story.source == "ALERT" else "Service Desk")

    async def live_through(self, ticket: str, story: Story, place: int, worker: str) -> None:
        """What was said and worked while somebody was busy with a ticket."""
        if story.state not in _BUSY:
            return
        command, words = _TALK[place % len(_TALK)]
        await self.command(command, "ticket", f"talk-{place}", id=ticket, bodyText=words)
        begins = datetime.combine(self.began - timedelta(days=1), time(7), UTC) + timedelta(minutes=25 * (place % 16))
        await self.command(
            "bookTime", "timeEntry", str(place), ticketId=ticket, userId=worker, startedAt=begins.isoformat(),
            minutes=10 + 7 * (place % 5), note=_WORKED[place % len(_WORKED)], submit=place % 3 != 0,
            workTypeId=self.work_types["onsite" if place % 3 == 1 else "remote"],
        )  # fmt: skip
