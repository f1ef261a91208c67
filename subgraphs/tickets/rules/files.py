"""Files of tickets: which are kept, what they are whatever they say they are, and for how long a link to one opens it."""

from __future__ import annotations

import hashlib
import hmac
import mimetypes
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.errors import FileRefused

LARGEST: Final = 50 * 1024 * 1024
PART: Final = 960 * 1024
"""How much of a file comes at once: the platform's door takes no more than a million bytes."""
UPLOAD_LASTS: Final = timedelta(hours=6)
LINK_LASTS: Final = timedelta(minutes=5)
UNKNOWN: Final = "application/octet-stream"

_MAGIC: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
_PROGRAMS: Final = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"#!")
_REFUSED: Final = frozenset(
    {
        ".exe", ".com", ".bat", ".cmd", ".scr", ".pif", ".msi", ".dll", ".cpl", ".js", ".jse", ".vbs", ".vbe", ".wsf",
        ".wsh", ".ps1", ".hta", ".jar", ".lnk", ".reg", ".iso", ".img", ".apk",
    }
)  # fmt: skip
_ZIPPED: Final = frozenset({".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".zip"})


@dataclass(frozen=True, slots=True)
class File:
    """A file that may be kept."""

    filename: str
    mime_type: str
    content: bytes
    sha256: str


def checked(filename: str, content: bytes, *, field: str = "content") -> File:
    """The file, if we keep such files; raises `FileRefused` for programs and `Invalid` for what is empty."""
    name = _name(filename)
    if not content:
        raise Invalid("The file is empty.", field=field)
    if len(content) > LARGEST:
        raise FileRefused(f"A file has at most {LARGEST // 1024 // 1024} MiB.", field=field)
    if _extension(name) in _REFUSED or content.startswith(_PROGRAMS):
        raise FileRefused("Programs are not kept here; put it into an archive if you must.", field=field)
    return File(name, _type(name, content), content, hashlib.sha256(content).hexdigest())


def _type(name: str, content: bytes) -> str:
    """What it is by its first bytes; only where these say nothing, by its name."""
    named = mimetypes.guess_type(name)[0] or UNKNOWN
    found = next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)
    if found is None:
        return UNKNOWN if named in {kind for _, kind in _MAGIC} else named
    return named if found == "application/zip" and _extension(name) in _ZIPPED else found


def _name(filename: str) -> str:
    """The last part of a path, without what confuses file systems and people."""
    last = re.split(r"[\\/]", filename)[-1]
    clean = re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", last).strip(" .")
    if not clean:
        raise Invalid("The file needs a name.", field="filename")
    stem, dot, extension = clean.rpartition(".")
    return f"{stem[:150]}.{extension[:20]}" if dot else clean[:170]


def _extension(name: str) -> str:
    return f".{name.rpartition('.')[2].lower()}" if "." in name else ""


def signature(key: bytes, tenant: UUID, attachment: UUID, expires: int) -> str:
    """What proves that we gave out a link."""
    return hmac.new(key, f"{tenant}/{attachment}/{expires}".encode(), hashlib.sha256).hexdigest()


def link(key: bytes, tenant: UUID, attachment: UUID, now: datetime) -> str:
    """A path that opens a file for five minutes, for whoever has it."""
    expires = int((now + LINK_LASTS).timestamp())
    return f"/files/{tenant}/{attachment}?expires={expires}&signature={signature(key, tenant, attachment, expires)}"


def upload_link(key: bytes, tenant: UUID, upload: UUID, expires: datetime) -> str:
    """A path that takes the parts of one file until then, from whoever has it."""
    until = int(expires.timestamp())
    proof = signature(_of_uploads(key), tenant, upload, until)
    return f"/files/{tenant}/uploads/{upload}?expires={until}&signature={proof}"


def takes(key: bytes, tenant: UUID, upload: UUID, expires: int, signed: str, now: datetime) -> bool:
    """Whether a link to bring a file was given out by us, and is not too old."""
    return opens(_of_uploads(key), tenant, upload, expires, signed, now)


def _of_uploads(key: bytes) -> bytes:
    # A key of its own: what proves that one may read must never prove that one may write.
    return hmac.new(key, b"upload", hashlib.sha256).digest()


def announced(filename: str, size: int) -> str:
    """The name of a file that is to come; raises what `checked` would raise of name and size."""
    name = _name(filename)
    if size < 1:
        raise Invalid("The file is empty.", field="sizeBytes")
    if size > LARGEST:
        raise FileRefused(f"A file has at most {LARGEST // 1024 // 1024} MiB.", field="sizeBytes")
    if _extension(name) in _REFUSED:
        raise FileRefused("Programs are not kept here; put it into an archive if you must.", field="filename")
    return name


def opens(key: bytes, tenant: UUID, attachment: UUID, expires: int, signed: str, now: datetime) -> bool:
    """Whether a link was given out by us, and is not too old."""
    good = hmac.compare_digest(signature(key, tenant, attachment, expires), signed)
    return good and now.timestamp() <= expires
