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
from email.policy import EmailPolicy
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


_VERBATIM: Final = frozenset({"message-id", "in-reply-to", "references", "list-unsubscribe"})


class _Written(EmailPolicy):
    """How a mail is written: what machines read is never encoded, however long a word of it is.

    Python's own way encodes a word that does not fit on a line (RFC 2047), as that of Outlook's Message-IDs and of our links
    to unsubscribe do not; mail programs then find neither the thread nor the link. A line may have 998 bytes.
    """

    def fold(self, name: str, value: str) -> str:
        """A header as text, folded between words."""
        if name.lower() not in _VERBATIM:
            folded: str = super().fold(name, value)
            return folded
        return f"{name}: " + "\r\n ".join(value.split()) + "\r\n"

    def fold_binary(self, name: str, value: str) -> bytes:
        """The same as bytes."""
        return super().fold_binary(name, value) if name.lower() not in _VERBATIM else self.fold(name, value).encode()


_WRITTEN: Final = _Written(linesep="\r\n", cte_type="7bit")


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
    message = EmailMessage(policy=_WRITTEN)
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
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    text = f"{letter.text}\n\n-- \n{letter.foot}" if letter.foot else letter.text
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(as_html(text, letter.language), subtype="html", cte="quoted-printable")
    message["Content-Language"] = letter.language  # now: whatever begins with Content- goes when there is new content
    return message


def as_html(text: str, language: str) -> str:
    """The text as a page: escaped, paragraphs kept, links that can be followed; nothing is loaded from anywhere."""
    blocks = (block for block in re.split(r"\n\s*\n", text.strip()) if block.strip())
    body = "\n".join(f"<p>{_linked(block)}</p>" for block in blocks)
    return (
        f'<!DOCTYPE html>\n<html lang="{language[:2]}"><head><meta charset="utf-8"></head>\n'
        f'<body style="font-family: sans-serif; line-height: 1.5; max-width: 40em">\n{body}\n</body></html>\n'
    )


def written(message: EmailMessage, *, utf8: bool) -> bytes:
    """The mail as it goes over the line; with `utf8` for a server that takes addresses with umlauts (RFC 6531)."""
    return message.as_bytes(policy=_WRITTEN.clone(utf8=utf8))


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
