"""What an authenticator is asked to sign: remembered by the form, signed by us, and accepted once."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from subgraphs.auth import handles
from subgraphs.auth.errors import NotProven
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.oauth import UsedAssertion
from subgraphs.auth.web.house import House

_SECONDS = 600


def remembered(house: House, challenge: str, *, purpose: str) -> str:
    """The challenge as a form carries it."""
    text = f"{challenge}.{int(house.now().timestamp()) + _SECONDS}"
    return f"{text}.{house.seal.signature(text, purpose=f'challenge {purpose}')}"


async def recalled(house: House, carried: str, *, purpose: str) -> str:
    """The challenge again, used up by this; raises `NotProven` when it is not ours, too old, or used."""
    text, _, signature = carried.rpartition(".")
    challenge, _, until = text.partition(".")
    ours = house.seal.signed(text, signature, purpose=f"challenge {purpose}")
    if not ours or int(until) < house.now().timestamp():
        raise NotProven("The challenge has expired.", field="challenge")
    row = {"tenant_id": PLATFORM, "jti_hash": handles.hashed(f"challenge {challenge}"), "expires_at": house.now()}
    async with house.begin(PLATFORM, "challenge") as work:
        once = insert(UsedAssertion).values(row).on_conflict_do_nothing().returning(UsedAssertion.jti_hash)
        if (await work.session.execute(once)).scalar_one_or_none() is None:
            raise NotProven("The challenge was used before.", field="challenge")
    return challenge
