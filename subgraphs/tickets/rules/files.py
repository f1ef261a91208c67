"""Files of tickets: which are kept, what they are whatever they say they are, and for how long a link to one opens it."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.errors import FileRefused

LARGEST: Final = 50 * 1024 * 1024
UPLOAD_LASTS: Final = timedelta(hours=6)
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


def path(tenant: UUID, attachment: UUID) -> str:
    """Where a file is, without the signature that opens it."""
    return f"/files/{tenant}/{attachment}"


def upload_path(tenant: UUID, upload: UUID) -> str:
    """Where the parts of a file go, without the signature that lets them in."""
    return f"/files/{tenant}/uploads/{upload}"


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
