"""Text messages: numbers, how many parts a text takes, and what may stand in it.

A text of GSM 7-bit characters has 160 of them in one part and 153 in each of several; one other character makes it
UCS-2: 70 and 67. Nothing personal goes over the air but the number of the ticket.
"""

from __future__ import annotations

import re
from typing import Final

from subgraphs.kit.errors import Invalid

MOST_AN_HOUR: Final = 5
"""For each recipient."""
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
_E164: Final = re.compile(r"\+[1-9]\d{6,14}")


def number(text: str, *, field: str = "phone") -> str:
    """A number as E.164 has it: `+4915112345678`; raises `Invalid`."""
    plain = re.sub(r"[\s()/.-]", "", text)
    if not _E164.fullmatch(plain):
        raise Invalid(f"{text!r} is no number with its country, such as +49 151 12345678.", field=field)
    return plain


def parts(text: str) -> int:
    """How many parts a text is sent in, each of which is paid for."""
    if all(one in _BASIC or one in _EXTENDED for one in text):
        length, single, each = sum(2 if one in _EXTENDED else 1 for one in text), 160, 153
    else:
        length, single, each = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= single else -(-length // each)


def text(event_type: str, number: str | None, language: str) -> str:
    """What is said: what happened and to which ticket, and nothing of what anybody wrote."""
    german = language.startswith("de")
    words = {
        "sla.breached": "Frist überschritten" if german else "Deadline missed",
        "sla.warning": "Frist läuft ab" if german else "Deadline is near",
        "page.triggered": "Bereitschaft: bitte übernehmen" if german else "On call: please take over",
        "notify.test": "Testnachricht" if german else "Test message",
    }
    said = words.get(event_type, "Neuigkeit" if german else "News")
    return f"{number}: {said}" if number else said
