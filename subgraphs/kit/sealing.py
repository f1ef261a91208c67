"""Sealed secrets: what lies in the database and is worth nothing without a key that does not.

Private signing keys and the secrets of authenticator apps must be readable for us, so they cannot be hashed. They are
sealed with AES-256-GCM under a key from a file that the database never sees; the purpose and the row are part of what
is authenticated, so that nothing can be moved from one row to another. Two keys are derived from the file's (HKDF), one
to seal with and one to sign forms and cookies with.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from subgraphs.kit.config import Misconfigured, Settings

_NONCE = 12
_REMEDY = "Make one: python -m subgraphs.auth new-sealing-key"


class Broken(Exception):
    """Something sealed cannot be opened: another key, another row, or damage."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals and signs with the keys of this house."""

    _seal: bytes = field(repr=False)
    _sign: bytes = field(repr=False)

    @staticmethod
    def of(key: bytes) -> Seal:
        """Derive the two keys."""
        return Seal(_derived(key, b"psa seal"), _derived(key, b"psa sign"))

    def close(self, secret: bytes, *, purpose: str) -> bytes:
        """Seal `secret`; it opens for the same purpose only."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self._seal).encrypt(nonce, secret, purpose.encode())

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """What was sealed; raises `Broken`."""
        try:
            return AESGCM(self._seal).decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except InvalidTag as error:
            raise Broken(f"{purpose} cannot be opened with the key of PSA_SEALING_KEY_FILE") from error

    def signature(self, text: str, *, purpose: str) -> str:
        """A signature of ours under a text."""
        digest = hmac.new(self._sign, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def signed(self, text: str, signature: str, *, purpose: str) -> bool:
        """Whether a signature is ours."""
        return hmac.compare_digest(self.signature(text, purpose=purpose).encode(), signature.encode())


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(key)


def of(settings: Settings) -> Seal:
    """The seal of this process; raises `Misconfigured` when it has no key."""
    return _from_file(settings.needed("sealing_key_file"))


@functools.cache
def _from_file(path: str) -> Seal:
    try:
        key = base64.b64decode(Path(path).read_text(encoding="ascii").strip(), validate=True)
    except (OSError, ValueError, binascii.Error) as error:
        raise Misconfigured(f"PSA_SEALING_KEY_FILE: {path} cannot be read ({error}). {_REMEDY}") from error
    if len(key) != 32 or len(set(key)) < 8:
        raise Misconfigured(f"PSA_SEALING_KEY_FILE: {path} must hold 32 random bytes as base64. {_REMEDY}")
    return Seal.of(key)


def new_key() -> str:
    """The content of a new key file."""
    return base64.b64encode(os.urandom(32)).decode()
