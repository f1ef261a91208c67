"""The demo's alarms: who is on call, who is called when nobody takes over, and a call that waits for the owner."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import date, timedelta

from deploy.local.people import Tenant

Command = Callable[..., Coroutine[None, None, str]]

_ON_CALL = ("technician", "senior_technician", "admin")
_INCIDENT = "Serverraum: 38 °C und steigend"


async def make(command: Command, tenant: Tenant, today: date) -> None:
    """Plan who is on call, and call somebody: the first step is a week's turn, the second the owner."""
    monday = today - timedelta(days=today.weekday() + 7)
    rota = await command(
        "createOnCallSchedule", "onCallSchedule", "rota", name="Bereitschaft", startsOn=str(monday),
        userIds=[str(tenant.with_role(role).id) for role in _ON_CALL],
    )  # fmt: skip
    policy = await command(
        "createEscalationPolicy", "escalationPolicy", "alarm", name="Alarm", eventTypes=["sla.breached"],
        steps=[
            {"afterMinutes": 0, "scheduleId": rota, "channels": ["SMS", "EMAIL"]},
            {"afterMinutes": 5, "userId": str(tenant.with_role("owner").id), "channels": ["EMAIL"]},
        ],
    )  # fmt: skip
    await command("triggerPage", "page", "incident", policyId=policy, title=_INCIDENT, incidentRef="demo")
    first = await command(
        "createEscalationPolicy", "escalationPolicy", "lead", name="Leitung",
        steps=[{"afterMinutes": 0, "userId": str(tenant.with_role("owner").id), "channels": ["IN_APP"]}],
    )  # fmt: skip
    await command("triggerPage", "page", "lead", policyId=first, title=_INCIDENT, incidentRef="demo")
