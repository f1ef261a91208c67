"""An e-mail as it leaves us: text and HTML, and the headers by which mail programs keep a thread together.

    ticket            ─ References: <ticket's root>               every mail about a ticket, whoever gets it,
      ├─ mail 1         In-Reply-To: <ticket's root>              hangs on one message that nobody ever sent
      └─ mail 2         or what the ticket itself says            (RFC 5322, 3.6.4, allows that)

The Message-ID is that of the delivery: an attempt that broke off after the server had taken the mail, and before it said
so, is repeated under the same one, and whoever files it sees that it is the same.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

from subgraphs.kit.errors import Invalid

_LONGEST_SUBJECT: Final = 250
_MOST_REFERENCES: Final = 50
_LONGEST_ADDRESS: Final = 254
_ADDRESS: Final = re.compile(r"[^\s@<>\"(),:;\\]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9-]+")
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,500}>")
_LINK: Final = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a mail hangs."""

    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that a mail consists of."""

    message_id: str
    sender: str
    sender_name: str
    to: tuple[str, ...]
    subject: str
    text: str
    at: datetime
    cc: tuple[str, ...] = ()
    reply_to: str | None = None
    thread: Thread = Thread()
    unsubscribe: str | None = None
    """Where one says no by one click; absent for what can't be refused."""
    language: str = "de-DE"
    foot: str | None = None


def address(text: str, *, field: str) -> str:
    """A mail address as it is stored: in lower case; raises `Invalid`."""
    plain = text.strip().lower()
    if len(plain) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(plain):
        raise Invalid(f"{text!r} is no mail address.", field=field)
    return plain


def message_id(delivery: object, domain: str) -> str:
    """The Message-ID of a delivery, the same for every attempt."""
    return f"<{delivery}@{domain}>"


def root(ticket: object, domain: str) -> str:
    """The message on which all mails about a ticket hang."""
    return f"<ticket.{ticket}@{domain}>"


def domain(sender: str) -> str:
    """What stands behind the @ of our Message-IDs."""
    return sender.rpartition("@")[2] or "localhost"


def build(letter: Letter) -> EmailMessage:
    """The mail: multipart/alternative, text before HTML, everything that is no ASCII encoded."""
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["Date"] = format_datetime(letter.at)
    message["From"] = Address(display_name=_line(letter.sender_name), addr_spec=letter.sender)
    message["To"] = [Address(addr_spec=one) for one in letter.to]
    if letter.cc:
        message["Cc"] = [Address(addr_spec=one) for one in letter.cc]
    if letter.reply_to:
        message["Reply-To"] = Address(addr_spec=letter.reply_to)
    message["Subject"] = _line(letter.subject)[:_LONGEST_SUBJECT]
    message["Message-ID"] = letter.message_id
    for name, value in _threading(letter.thread):
        message[name] = value
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    message["Content-Language"] = letter.language
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    text = f"{letter.text}\n\n-- \n{letter.foot}" if letter.foot else letter.text
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(as_html(text, letter.language), subtype="html", cte="quoted-printable")
    return message


def as_html(text: str, language: str) -> str:
    """The text as a page: escaped, paragraphs kept, links that can be followed; nothing is loaded from anywhere."""
    blocks = (block for block in re.split(r"\n\s*\n", text.strip()) if block.strip())
    body = "\n".join(f"<p>{_linked(block)}</p>" for block in blocks)
    return (
        f'<!DOCTYPE html>\n<html lang="{language[:2]}"><head><meta charset="utf-8"></head>\n'
        f'<body style="font-family: sans-serif; line-height: 1.5; max-width: 40em">\n{body}\n</body></html>\n'
    )


def with_number(subject: str, number: str | None) -> str:
    """The subject, with the ticket's number in brackets before it unless it is there."""
    return subject if not number or f"[{number}]" in subject else f"[{number}] {subject}"


def is_link(text: str) -> bool:
    """Whether this is an address of the web."""
    return urlsplit(text).scheme in {"http", "https"}


def _threading(thread: Thread) -> Sequence[tuple[str, str]]:
    references = [one for one in thread.references if _MESSAGE_ID.fullmatch(one)]
    # The first is the root of the thread; of a long chain the middle is left out, as mail programs do.
    kept = [*references[:1], *references[1:][-_MOST_REFERENCES:]]
    headers = []
    if thread.in_reply_to and _MESSAGE_ID.fullmatch(thread.in_reply_to):
        headers.append(("In-Reply-To", thread.in_reply_to))
    if kept:
        headers.append(("References", " ".join(kept)))
    return headers


def _linked(block: str) -> str:
    parts, last = [], 0
    for found in _LINK.finditer(block):
        url = found.group().rstrip(".,;:!?)")
        parts += [html.escape(block[last : found.start()]), f'<a href="{html.escape(url)}">{html.escape(url)}</a>']
        last = found.start() + len(url)
    parts.append(html.escape(block[last:]))
    return "".join(parts).replace("\n", "<br>\n")


def _line(text: str) -> str:
    """Text as one line: nobody writes a header of their own into ours."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
