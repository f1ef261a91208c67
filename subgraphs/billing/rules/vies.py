"""Asking the Union's register of VAT ids (VIES): what is asked, and what an answer means.

    ours + theirs ──► valid, consultation number ──► VALID      evidence: the day, the number, what matched
                  ──► not valid                  ──► INVALID
                  ──► their register is asleep   ──► UNAVAILABLE  (says nothing of the VAT id)

Whoever names their own VAT id when asking gets a consultation number, the proof that they asked on that day; whoever also says whom
they take the owner for hears what of it matches (the qualified confirmation of § 18e UStG), as far as the state compares it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from subgraphs.billing.rules.vat import VAT_ID_PREFIXES, VatIdStatus
from subgraphs.kit.errors import Invalid, PreconditionFailed

_LONGEST: Final = 500
_NORTHERN_IRELAND: Final = "XI"
_WRONG: Final = frozenset({"INVALID_INPUT", "VAT_BLOCKED"})
"""Faults that speak about the VAT id, and not about the register."""
_COMPARED: Final = ("Name", "Street", "PostalCode", "City")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom we take for the owner of a VAT id."""

    name: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the register said."""

    status: VatIdStatus
    consultation_number: str | None = None
    name: str | None = None
    address: str | None = None
    matches: Mapping[str, str] | None = None
    """Name, Street, PostalCode and City: VALID, INVALID or NOT_PROCESSED."""
    fault: str | None = None


def question(vat_id: str | None, asking: str | None, owner: Owner) -> dict[str, str]:
    """The question in the register's words; raises a refusal when there is nothing to ask for."""
    if not vat_id:
        raise PreconditionFailed("This customer has no VAT id.", field="customerId")
    if vat_id[:2] not in VAT_ID_PREFIXES | {_NORTHERN_IRELAND}:
        raise Invalid("The register knows VAT ids of the European Union alone.", field="customerId")
    asked = {"countryCode": vat_id[:2], "vatNumber": vat_id[2:]}
    if asking:
        asked |= {"requesterMemberStateCode": asking[:2], "requesterNumber": asking[2:]}
    said = {
        "traderName": owner.name,
        "traderStreet": owner.street,
        "traderPostalCode": owner.postal_code,
        "traderCity": owner.city,
    }
    return asked | {name: value for name, value in said.items() if value}


def answer(said: Mapping[str, Any]) -> Answer:
    """What an answer of the register means; one that is no answer means that it was not there."""
    valid = said.get("valid")
    if not isinstance(valid, bool) or said.get("actionSucceed") is False:
        return silence(_fault(said))
    return Answer(
        status=VatIdStatus.VALID if valid else VatIdStatus.INVALID,
        consultation_number=_text(said.get("requestIdentifier")),
        name=_text(said.get("name")) or _text(said.get("traderName")),
        address=_text(said.get("address")),
        matches={part: found for part in _COMPARED if (found := _text(said.get(f"trader{part}Match")))},
    )


def silence(fault: str | None = None) -> Answer:
    """Nobody said anything of the VAT id, unless the fault does."""
    return Answer(VatIdStatus.INVALID if fault in _WRONG else VatIdStatus.UNAVAILABLE, fault=fault)


def _fault(said: Mapping[str, Any]) -> str | None:
    wrong = said.get("errorWrappers")
    first = wrong[0] if isinstance(wrong, list) and wrong and isinstance(wrong[0], dict) else {}
    return _text(first.get("error")) or _text(said.get("userError"))


def _text(value: Any) -> str | None:
    """A text of the register; it writes dashes where a state says nothing."""
    text = " ".join(value.split())[:_LONGEST] if isinstance(value, str) else ""
    return None if text.strip("-") == "" else text


def next_status(before: VatIdStatus, found: VatIdStatus) -> VatIdStatus:
    """What holds of a VAT id now: a register that is asleep takes nothing back."""
    return before if found is VatIdStatus.UNAVAILABLE and before is VatIdStatus.VALID else found
