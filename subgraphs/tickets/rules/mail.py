"""Mail: what a message says (RFC 5322), which ticket it belongs to, and which messages no desk may answer.

    In-Reply-To, References ──► a Message-ID of ours or of the ticket?      that ticket
    <ticket.…@…> in References, from somebody of that customer?             that ticket
    [T-2026-000123] in the subject, from somebody of that customer?         that ticket
    otherwise: whose mail address is it?                                    a new ticket of that customer
                                                                            or nobody's: somebody has to say

When it arrived is what our own mail server says in the topmost `Received`, never the sender's `Date`.
"""

from __future__ import annotations

import html
import mimetypes
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from enum import Enum
from uuid import UUID

import nh3

from subgraphs.kit.errors import Invalid

_ADDRESS = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]+\.[^@\s<>\"]+")
_NUMBER = re.compile(r"\[\s*(T-[0-9]{4}-[0-9]{6,10})\s*\]", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_ROOT = re.compile(r"<ticket\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@[^<>@\s]+>")
_BULK = frozenset({"bulk", "junk", "auto_reply", "auto-reply"})
_LONGEST_TEXT = 20_000
_LONGEST_SUBJECT = 200


class MailOutcome(Enum):
    """What became of a mail."""

    OPENED = "OPENED"
    """It became a ticket."""
    APPENDED = "APPENDED"
    """It became a message of a ticket."""
    FOLLOWED_UP = "FOLLOWED_UP"
    """It answered a ticket that was closed, and became another one."""
    IGNORED = "IGNORED"
    """A machine wrote it, or we did."""
    UNMATCHED = "UNMATCHED"
    """Nobody knows whose it is."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file that came with a mail."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says."""

    message_id: str
    answers: tuple[str, ...]
    """The Message-IDs that it answers or refers to, the nearest first."""
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str | None
    received_at: datetime | None
    automatic: str | None
    """Why a machine must have written it; None when a person may have."""
    parts: tuple[Part, ...]

    @property
    def number(self) -> str | None:
        """The number of the ticket that the subject names."""
        found = _NUMBER.search(self.subject)
        return found[1].upper() if found else None


def address(text: str | None, *, field: str) -> str | None:
    """A mail address in lower case, or None when it is absent; raises `Invalid` when it is none."""
    if text is None or not text.strip():
        return None
    cleaned = text.strip().lower()
    if len(cleaned) > 320 or not _ADDRESS.fullmatch(cleaned):
        raise Invalid(f"{field} is no mail address.", field=field)
    return cleaned


def read(raw: bytes) -> Mail:
    """Read a message; raises `Invalid` when it lacks what every message has."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - what the default policy makes
    identity, sender = _identity(message), _sender(message)
    if identity is None or sender is None:
        raise Invalid("This is no mail: it has no Message-ID or no sender.", field="raw")
    text, markup = _bodies(message)
    return Mail(
        message_id=identity,
        answers=tuple(dict.fromkeys(_answers(message))),
        sender=sender,
        recipients=tuple(_recipients(message)),
        subject=" ".join(_header(message, "Subject").split())[:_LONGEST_SUBJECT] or "(no subject)",
        text=text[:_LONGEST_TEXT] or "(no text)",
        html=markup,
        received_at=_received(message),
        automatic=_automatic(message),
        parts=tuple(_parts(message)),
    )


def own_message_id(message: UUID, ticket: UUID, domain: str) -> str:
    """The Message-ID of a mail of ours; nobody can guess it who did not get the mail."""
    return f"<{message.hex}.{ticket.hex}@{domain}>"


def root_of(answers: Iterable[str]) -> UUID | None:
    """The ticket that a mail says it is about: notices about a ticket hang on a Message-ID made of its id."""
    for one in answers:
        if found := _ROOT.fullmatch(one):
            return UUID(found[1])
    return None


def subject(number: str, title: str) -> str:
    """The subject of a mail about a ticket, by which an answer is recognised."""
    return f"[{number}] {title}"


def cleaned(markup: str) -> str:
    """HTML without anything that acts, loads or hides."""
    return nh3.clean(markup, link_rel="noopener noreferrer nofollow", url_schemes={"http", "https", "mailto"})


def as_text(markup: str) -> str:
    """The words of an HTML text."""
    broken = re.sub(r"(?i)<br\s*/?>|</p>|</div>|</li>|</tr>", "\n", markup)
    words = html.unescape(nh3.clean(broken, tags=set()))
    return re.sub(r"\n{3,}", "\n\n", words).strip()


# --- headers


def readable(text: str) -> str:
    """Text without what is none: bytes that nobody could decode, and the character that no database takes."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def _header(message: EmailMessage, name: str) -> str:
    """A header as text; one that nobody can read is as good as none."""
    try:
        return readable(str(message.get(name) or ""))
    except (ValueError, IndexError, AttributeError, TypeError):
        return ""


def _identity(message: EmailMessage) -> str | None:
    found = _MESSAGE_ID.search(_header(message, "Message-ID"))
    return found[0] if found else None


def _sender(message: EmailMessage) -> str | None:
    found = parseaddr(_header(message, "From"))[1].lower()
    return found if _ADDRESS.fullmatch(found) else None


def _recipients(message: EmailMessage) -> Iterator[str]:
    for name in ("Delivered-To", "X-Original-To", "To", "Cc"):
        yield from (one.lower() for one in _ADDRESS.findall(_header(message, name)))


def _answers(message: EmailMessage) -> Iterator[str]:
    yield from _MESSAGE_ID.findall(_header(message, "In-Reply-To"))
    yield from reversed(_MESSAGE_ID.findall(_header(message, "References")))


def _received(message: EmailMessage) -> datetime | None:
    """When our own server took it: the topmost `Received` is the one that it wrote."""
    _, semicolon, moment = _header(message, "Received").rpartition(";")
    try:
        found = parsedate_to_datetime(moment.strip()) if semicolon else None
    except (ValueError, TypeError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)) if found else None


def _automatic(message: EmailMessage) -> str | None:
    """Why nobody may answer this: two machines that answer each other never stop."""
    submitted = _header(message, "Auto-Submitted").split(";")[0].strip().lower()
    bulk = _header(message, "Precedence").strip().lower() in _BULK
    report = message.get_content_type() == "multipart/report" or message.get("X-Failed-Recipients") is not None
    replied = any(message.get(name) is not None for name in ("X-Autoreply", "X-Autorespond")) or _is_suppressed(message)
    listed = message.get("List-Id") is not None and message.get("List-Unsubscribe") is not None
    signs = (
        (submitted == "auto-replied", "It is an automatic reply (Auto-Submitted)."),
        (bulk, "It is bulk mail (Precedence)."),
        (_header(message, "Return-Path").strip() == "<>", "It is a notice about a delivery (empty Return-Path)."),
        (report, "It is a report about a delivery (multipart/report)."),
        (replied, "It is an automatic reply (X-Autoreply)."),
        (listed, "It is from a mailing list (List-Id)."),
    )
    return next((because for holds, because in signs if holds), None)


def _is_suppressed(message: EmailMessage) -> bool:
    """Whether a machine answers that wants no answer of a machine: Exchange says so, and calls itself generated."""
    return message.get("X-Auto-Response-Suppress") is not None and any(_answers(message))


# --- bodies


def _bodies(message: EmailMessage) -> tuple[str, str | None]:
    plain, markup = (_content(message.get_body((kind,))) for kind in ("plain", "html"))
    safe = cleaned(readable(markup)) if markup else None
    return readable(plain or (as_text(markup) if markup else "")).strip(), safe


def _content(part: object) -> str | None:
    if not isinstance(part, EmailMessage):
        return None
    payload = part.get_payload(decode=True)
    return _decoded(payload, part.get_content_charset()) if isinstance(payload, bytes) else None


def _decoded(content: bytes, charset: str | None) -> str:
    """The text of a body. Who names no charset, a wrong one or one that there is not, writes UTF-8 or as Windows does."""
    charset = _MEANT.get(charset or "", charset)
    if charset is not None:
        try:
            return content.decode(charset, "replace")
        except (LookupError, ValueError):
            pass
    try:
        return content.decode("utf-8")
    except ValueError:
        return content.decode("cp1252", "replace")


_MEANT = {"us-ascii": None, "ascii": None, "unknown-8bit": None, "iso-8859-1": "cp1252", "latin1": "cp1252"}
"""What programs mean by the name of a charset: most write Windows-1252 and call it ISO 8859-1, as browsers know (WHATWG Encoding, 4.2)."""


def _parts(message: EmailMessage) -> Iterator[Part]:
    """All that is no body, however deep it lies: a screenshot that was pasted into the text is as good as an attached one."""
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    for part in _leaves(message):
        if not any(part is body for body in bodies):
            content, extension = _enclosed(part)
            if content:
                yield Part(_named(part, extension), content)


def _leaves(part: EmailMessage) -> Iterator[EmailMessage]:
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for one in part.iter_parts():
        if isinstance(one, EmailMessage):
            yield from _leaves(one)


def _enclosed(part: EmailMessage) -> tuple[bytes | None, str]:
    """What is in a part, and how a file of its kind ends; a mail that was forwarded as a whole stays a mail."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0) if part.is_multipart() else None
        try:
            return (inner.as_bytes(), ".eml") if isinstance(inner, EmailMessage) else (None, ".eml")
        except (ValueError, LookupError, AttributeError, TypeError):
            return None, ".eml"
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else None, mimetypes.guess_extension(part.get_content_type()) or ""


def _named(part: EmailMessage, extension: str) -> str:
    try:
        name = part.get_filename()
    except (ValueError, IndexError, AttributeError, TypeError):
        name = None
    return readable(name or "").strip() or f"attachment{extension}"
