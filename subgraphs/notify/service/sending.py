"""One message to somebody else's server: SMTP, a Workflows webhook, an SMS gateway. Never raises for what they can do.

Where tenants enter addresses, these are looked up and judged before anything is connected (`kit.outside`), for mail
servers as for webhooks. The platform's own mail server (PSA_MAIL_URL) is where its administrator says.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
import httpx2
import orjson

from subgraphs.kit import outside
from subgraphs.kit.config import Settings
from subgraphs.kit.outside import NotAsked, Reach
from subgraphs.notify.models.channels import MailSecurity
from subgraphs.notify.rules import channels as rules
from subgraphs.notify.rules.channels import Answer, Verdict
from subgraphs.notify.rules.mail import written

SECONDS: Final = 20.0
_KEPT_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over."""

    host: str
    port: int
    security: MailSecurity
    sender: str
    username: str | None = None
    password: str = field(default="", repr=False)
    reach: Reach | None = None
    """How far a tenant may send us; None: the administrator of the platform entered it."""


@dataclass(frozen=True, slots=True)
class MailFolder:
    """Where mails are put instead of a server, on a developer's machine."""

    folder: Path
    sender: str


@dataclass(frozen=True, slots=True)
class Mailed:
    """What became of a mail: of all of it, and of those who were refused."""

    answer: Answer
    refused: tuple[tuple[str, Answer], ...] = ()


def of_platform(settings: Settings) -> MailServer | MailFolder:
    """The platform's own mail server; raises `Misconfigured` when there is none."""
    location = urlsplit(settings.needed("mail_url"))
    sender = settings.mail_from or f"no-reply@{urlsplit(settings.needed('issuer')).hostname}"
    if location.scheme == "file":
        return MailFolder(Path(unquote(location.path)), sender)
    host = location.hostname or "localhost"
    is_here = host in {"127.0.0.1", "::1", "localhost"}
    tls = location.scheme == "smtps"
    # A relay on this machine needs no TLS; every other one must offer it.
    security = MailSecurity.TLS if tls else MailSecurity.NONE if is_here else MailSecurity.STARTTLS
    return MailServer(
        host=host,
        port=location.port or (465 if tls else 587),
        security=security,
        sender=sender,
        username=unquote(location.username) if location.username else None,
        password=unquote(location.password or ""),
    )


async def mail(server: MailServer | MailFolder, message: EmailMessage, to: Sequence[str]) -> Mailed:
    """Hand a mail over."""
    if isinstance(server, MailFolder):
        await asyncio.to_thread(_into_folder, server.folder, message)
        return Mailed(Answer(Verdict.TAKEN, "folder"))
    try:
        async with asyncio.timeout(SECONDS):
            return await _mailed(server, message, to)
    except (aiosmtplib.SMTPException, httpx2.TransportError, TimeoutError, OSError, ValueError) as error:
        return _failed(error)


def _failed(error: Exception) -> Mailed:
    """What became of a mail that was not taken."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=refused):
            return _all_refused({one.recipient: (one.code, one.message) for one in refused})
        case aiosmtplib.SMTPAuthenticationError(code=code, message=said):
            return _later(f"{code} {said}")  # a password may be mended while the mail waits
        case aiosmtplib.SMTPResponseException(code=code, message=said):
            answer = rules.of_smtp(code, said)
            # This is about the mail or the sender: it says nothing of who it is for.
            verdict = Verdict.NEVER if answer.verdict is Verdict.NO_SUCH_ADDRESS else answer.verdict
            return Mailed(Answer(verdict, answer.said))
        case NotAsked():
            return Mailed(Answer(Verdict.NEVER, f"Not allowed: {error}."))
        case TimeoutError():
            return _later(f"No answer within {SECONDS:g} seconds.")
        case _:
            return _later(f"{type(error).__name__}: {error}"[:500])


async def teams(reach: Reach, url: str, card: dict[str, Any]) -> Answer:
    """Post a card."""
    return await _post(reach, url, orjson.dumps(card), {"content-type": "application/json"})


async def sms(reach: Reach, url: str, key: str, *, to: str, text: str, sender: str | None, reference: str) -> Answer:
    """Send a text message by the interface of seven.io."""
    body = {"to": to, "text": text, "foreign_id": reference, **({"from": sender} if sender else {})}
    headers = {"content-type": "application/json", "accept": "application/json", "x-api-key": key}
    answer = await _post(reach, url, orjson.dumps(body), headers)
    return _of_gateway(answer) if answer.verdict is Verdict.TAKEN else answer


def _of_gateway(answer: Answer) -> Answer:
    """What the gateway says in its body: 100 is success, whatever the HTTP status was."""
    try:
        said = orjson.loads(answer.said.partition(" ")[2])
        message = said["messages"][0]
        if str(said["success"]) in {"100", "101"} and message.get("success", True):
            return Answer(Verdict.TAKEN, answer.said, reference=str(message.get("id")))
        code = str(message.get("error") or said["success"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return Answer(Verdict.LATER, answer.said)
    return Answer(_GATEWAY.get(code, Verdict.NEVER), answer.said)


_GATEWAY: Final = {"202": Verdict.NO_SUCH_ADDRESS, "500": Verdict.LATER, "600": Verdict.LATER, "700": Verdict.LATER}
"""What its codes mean, but for those that stay wrong: 202 bad number, 500 no credit, 600 and 700 their own trouble."""


async def _post(reach: Reach, url: str, body: bytes, headers: dict[str, str]) -> Answer:
    try:
        async with (
            asyncio.timeout(SECONDS),
            outside.client(reach, seconds=SECONDS) as http,
            http.stream("POST", url, content=body, headers={**headers, "accept-encoding": "identity"}) as response,
        ):
            text = await _beginning(response)
            return rules.of_http(response.status_code, text, response.headers.get("retry-after"))
    except TimeoutError:
        return Answer(Verdict.LATER, f"No answer within {SECONDS:g} seconds.")
    except NotAsked as error:
        return Answer(Verdict.NEVER, f"Not allowed: {error}.")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        # An error may name the URL, and the URL of a webhook is its secret.
        return Answer(Verdict.LATER, type(error).__name__)


async def _beginning(response: httpx2.Response) -> str:
    kept = b""
    async for chunk in response.aiter_raw():
        kept += chunk
        if len(kept) >= _KEPT_BYTES:
            break
    return kept[:_KEPT_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")


async def _mailed(server: MailServer, message: EmailMessage, to: Sequence[str]) -> Mailed:
    smtp = aiosmtplib.SMTP(
        hostname=server.host,
        sock=await _connected(server),
        use_tls=server.security is MailSecurity.TLS,
        start_tls=server.security is MailSecurity.STARTTLS,
        username=server.username,
        password=server.password if server.username else None,
        local_hostname=server.sender.rpartition("@")[2],
        timeout=SECONDS,
    )
    try:
        await smtp.connect()
        refused, said = await _handed_over(smtp, server.sender, message, to)
    finally:
        await _leave(smtp)
    left_out = tuple((address, rules.of_smtp(code, text)) for address, (code, text) in refused.items())
    return Mailed(Answer(Verdict.TAKEN, said[:500]), left_out)


async def _handed_over(
    smtp: aiosmtplib.SMTP, sender: str, message: EmailMessage, to: Sequence[str]
) -> tuple[dict[str, aiosmtplib.SMTPResponse], str]:
    """Hand it over as we wrote it: the library would write its headers anew, and in another way."""
    utf8 = not "".join((sender, *to)).isascii()
    if utf8:
        await smtp.ehlo()
    if utf8 and not smtp.supports_extension("smtputf8"):
        raise aiosmtplib.SMTPNotSupported("The server takes no addresses with other letters than ASCII.")
    options = ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else []
    return await smtp.sendmail(sender, list(to), written(message, utf8=utf8), mail_options=options)


async def _leave(smtp: aiosmtplib.SMTP) -> None:
    """Say farewell; whether it is heard changes nothing: the mail was taken, or was not."""
    try:
        if smtp.is_connected:
            async with asyncio.timeout(1):
                await smtp.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        pass
    finally:
        smtp.close()


async def _connected(server: MailServer) -> socket.socket:
    """A connection to what was looked up and judged: a name that means something else a moment later changes nothing."""
    address = server.host
    if server.reach is not None:
        address = await outside.judged(server.reach, server.host, server.port)
        if server.security is MailSecurity.NONE and not server.reach.plain(address):
            raise NotAsked(f"{server.host} is not asked without TLS")
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address, server.port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, where = found[0]
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(0)
        await loop.sock_connect(connection, where)
    except BaseException:
        connection.close()
        raise
    return connection


def _all_refused(refused: dict[str, tuple[int, str]]) -> Mailed:
    answers = tuple((address, rules.of_smtp(code, text)) for address, (code, text) in refused.items())
    # What one of them may still take is worth another attempt; the others are known by then.
    for verdict in (Verdict.LATER, Verdict.NEVER, Verdict.NO_SUCH_ADDRESS):
        for _, answer in answers:
            if answer.verdict is verdict:
                return Mailed(answer, answers)
    return _later("All recipients were refused.")


def _later(said: str) -> Mailed:
    return Mailed(Answer(Verdict.LATER, said))


def _into_folder(folder: Path, message: EmailMessage) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = str(message["Message-ID"]).strip("<>").replace("/", "_")
    draft = folder / f".{name}"
    draft.write_bytes(bytes(message))
    draft.rename(folder / f"{name}.eml")
