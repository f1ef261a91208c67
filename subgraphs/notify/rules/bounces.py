"""What comes back: delivery status notifications (RFC 3464) and complaints (RFC 5965), read without trusting them.

Both are multipart/report: a text for people, a part of headers for machines, and what is left of our mail. Anybody can
write one, so what they say counts only for a delivery of ours that they name by its Message-ID.
"""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import Message
from enum import Enum
from typing import Final

_ID: Final = re.compile(r"<[^<>\s]{1,500}>")
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
LARGEST: Final = 200_000


class ReportKind(Enum):
    """What a report says of one recipient."""

    HARD_BOUNCE = "HARD_BOUNCE"
    """It could not be delivered, and never will be."""
    SOFT_BOUNCE = "SOFT_BOUNCE"
    """It was given up, for a reason that may pass."""
    DELAYED = "DELAYED"
    """It is still being tried."""
    DELIVERED = "DELIVERED"
    """It arrived."""
    COMPLAINT = "COMPLAINT"
    """Its reader called it unwanted."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was said of one recipient of one mail."""

    kind: ReportKind
    message_id: str | None
    recipient: str | None
    status: str | None
    said: str


def read(raw: bytes) -> tuple[Report, ...]:
    """Every report in a mail; none when it is no report."""
    message = email.message_from_bytes(raw[:LARGEST], policy=email.policy.compat32)
    if message.get_content_type() != "multipart/report" or not message.is_multipart():
        return ()
    about = _original(message)
    match str(message.get_param("report-type", "")).lower():
        case "delivery-status":
            return _statuses(message, about)
        case "feedback-report":
            return (_complaint(message, about),)
        case _:
            return ()


def _statuses(message: Message, about: str | None) -> tuple[Report, ...]:
    found: list[Report] = []
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status" or not part.is_multipart():
            continue
        # The first block is about the mail, each further one about one recipient.
        blocks = [one for one in part.get_payload() if isinstance(one, Message)]
        found += [_status(one, about) for one in blocks if one.get("Action")]
    return tuple(found)


def _status(block: Message, about: str | None) -> Report:
    status = _STATUS.search(str(block.get("Status", "")))
    code = status.group() if status else None
    said = _text(block.get("Diagnostic-Code")) or _text(block.get("Status")) or ""
    kind = _KINDS.get(str(block.get("Action")).strip().lower(), ReportKind.SOFT_BOUNCE)
    if kind is ReportKind.HARD_BOUNCE and code is not None and not _is_about_address(code):
        kind = ReportKind.SOFT_BOUNCE
    return Report(kind, about, _recipient(block), code, said[:500])


def _is_about_address(code: str) -> bool:
    """Whether a permanent failure is one of the address: a full or refusing mailbox (5.2.2, 5.7.1) is still somebody's."""
    return code.startswith("5.1.") or code in {"5.2.1", "5.4.4", "5.0.0"}


_KINDS: Final = {
    "failed": ReportKind.HARD_BOUNCE,
    "delayed": ReportKind.DELAYED,
    "delivered": ReportKind.DELIVERED,
    "relayed": ReportKind.DELIVERED,
    "expanded": ReportKind.DELIVERED,
}


def _complaint(message: Message, about: str | None) -> Report:
    recipient = None
    for part in message.walk():
        if part.get_content_type() == "message/feedback-report":
            fields = email.message_from_string(_payload(part))
            recipient = _address(_text(fields.get("Original-Rcpt-To")))
    return Report(ReportKind.COMPLAINT, about, recipient, None, "complaint")


def _original(message: Message) -> str | None:
    """The Message-ID of the mail that it is about."""
    for part in message.walk():
        if part.get_content_type() == "message/rfc822" and part.is_multipart():
            inner = part.get_payload(0)
            if isinstance(inner, Message) and (found := _ID.search(_text(inner.get("Message-ID")) or "")):
                return found.group()
        if part.get_content_type() in {"text/rfc822-headers", "message/rfc822-headers"}:
            headers = email.message_from_string(_payload(part))
            if found := _ID.search(_text(headers.get("Message-ID")) or ""):
                return found.group()
    return None


def _payload(part: Message) -> str:
    inner = part.get_payload()
    if isinstance(inner, list):
        return str(inner[0]) if inner else ""
    body = part.get_payload(decode=True)
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(inner)


def _recipient(block: Message) -> str | None:
    # The address that we wrote to, if it is said; what it became on the way is not ours to know.
    return _address(_text(block.get("Original-Recipient"))) or _address(_text(block.get("Final-Recipient")))


def _address(text: str | None) -> str | None:
    plain = (text or "").rpartition(";")[2].strip().strip("<>").lower()
    return plain if "@" in plain else None


def _text(value: object) -> str | None:
    return None if value is None else " ".join(str(value).split())
