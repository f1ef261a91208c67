"""What is true of passwords, second factors, sessions and failed attempts."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from subgraphs.kit.errors import Invalid


class FactorKind(Enum):
    """What a second factor is."""

    TOTP = "TOTP"
    """Six digits that an app shows, new ones every thirty seconds."""
    PASSKEY = "PASSKEY"
    """A key in a device or in a password manager, unlocked there."""


class SessionStatus(Enum):
    """Where a session is in its life."""

    PENDING_MFA = "PENDING_MFA"
    """The password was right, and the second factor is awaited."""
    ACTIVE = "ACTIVE"
    """The user is signed in."""
    EXPIRED = "EXPIRED"
    """Nobody used it for too long, or it was open for too long."""
    REVOKED = "REVOKED"
    """It was ended: by signing out, or by somebody who may."""


class MailPurpose(Enum):
    """What a link in a mail is for."""

    INVITATION = "INVITATION"
    RESET = "RESET"


SESSION_LONGEST = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=2)
PENDING_LONGEST = timedelta(minutes=10)
LINK_LIFE = {MailPurpose.INVITATION: timedelta(days=7), MailPurpose.RESET: timedelta(minutes=30)}

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
"""Hashing is work that others make us do: a novel is no password."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a tenant asks of those who sign in."""

    mfa_required: bool = False
    mfa_roles: frozenset[str] = frozenset({"owner", "admin"})
    """Roles whose holders need a second factor even where nobody else does."""

    @staticmethod
    def of(settings: dict[str, Any]) -> Policy:
        """The policy in a tenant's settings; what is not said there is the default."""
        said = settings.get("signIn", {})
        default = Policy()
        return Policy(
            mfa_required=bool(said.get("mfaRequired", default.mfa_required)),
            mfa_roles=frozenset(said.get("mfaRoles", default.mfa_roles)),
        )

    def needs_second_factor(self, roles: frozenset[str]) -> bool:
        """Whether somebody with these roles comes in with a password alone."""
        return self.mfa_required or bool(self.mfa_roles & roles)


def password(value: str, *, field: str = "password", like: tuple[str, ...] = ()) -> str:
    """A password as it is hashed (NIST SP 800-63B: length counts, recipes do not); `like` are words it must not be."""
    normal = unicodedata.normalize("NFKC", value)
    if not SHORTEST_PASSWORD <= len(normal) <= LONGEST_PASSWORD:
        raise Invalid(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.", field=field)
    folded = normal.casefold()
    if len(set(folded)) < 5 or any(word and folded in {word.casefold(), word.casefold() * 2} for word in like):
        raise Invalid("This password is too easy to guess.", field=field)
    return normal


@dataclass(frozen=True, slots=True)
class HashCost:
    """What one guess at a stolen hash costs a thief (argon2id), and one sign-in costs us."""

    memory_kib: int
    passes: int
    lanes: int

    @staticmethod
    def of(text: str) -> HashCost:
        """As it is written in an encoded hash: `m=65536,t=3,p=4`."""
        numbers = dict(part.split("=") for part in text.split(","))
        return HashCost(int(numbers["m"]), int(numbers["t"]), int(numbers["p"]))

    @property
    def is_enough(self) -> bool:
        """Whether it is no less than OWASP asks for; memory and passes are traded for each other, and lanes help nobody."""
        return any(self.memory_kib >= memory and self.passes >= passes for memory, passes in _OWASP_LEAST)


_OWASP_LEAST = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))
"""The rows of OWASP's Password Storage Cheat Sheet, which it calls equally strong: KiB and passes, with one lane."""

FREE_FAILURES = 4
_LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=1)


def wait_after(failures: int) -> timedelta:
    """How long somebody waits after so many failures: nothing at first, then twice as long each time."""
    over = failures - FREE_FAILURES
    return min(timedelta(seconds=2.0 ** min(over, 10)), _LONGEST_WAIT) if over > 0 else timedelta(0)


def may_try_at(failures: int, failed_at: datetime) -> datetime:
    """When the next attempt is looked at."""
    return failed_at + wait_after(failures)
