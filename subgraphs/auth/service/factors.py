"""Second factors: what else a user can show: six digits, a passkey, or a code that is kept on paper."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy import delete, select
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from contracts.events import auth as events
from subgraphs.auth import handles
from subgraphs.auth.errors import NotProven
from subgraphs.auth.models.credentials import FactorSecret, MfaFactor, RecoveryCode
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.credentials import FactorKind
from subgraphs.auth.service import sessions
from subgraphs.kit import sealing
from subgraphs.kit.errors import Conflict, NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

RECOVERY_CODES = 10
_MOST_FACTORS = 20
_STEP_SECONDS = 30
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""What one can read from paper: nothing that looks like something else."""


@dataclass(frozen=True, slots=True)
class TotpOffer:
    """What an authenticator app needs to know; shown once."""

    factor: MfaFactor
    secret: str
    uri: str


# --- all of them


async def of_user(work: Work, user: UUID, *, limit: int = _MOST_FACTORS, offset: int = 0) -> Sequence[MfaFactor]:
    """The factors of a user that work, the oldest first."""
    query = select(MfaFactor).where(MfaFactor.user_id == user, MfaFactor.confirmed_at.is_not(None))
    return (await work.session.scalars(query.order_by(MfaFactor.created_at).limit(limit).offset(offset))).all()


async def of_users(work: Work, users: Sequence[UUID]) -> Mapping[UUID, Sequence[MfaFactor]]:
    """A factor of each user who has one that works."""
    working = (MfaFactor.confirmed_at.is_not(None),)
    return await work.per_parent(MfaFactor, MfaFactor.user_id, users, where=working, limit=1)


async def remove(work: Work, user: UUID, factor_id: UUID | None) -> MfaFactor:
    """Take one factor away."""
    factor = await _mine(work, user, factor_id)
    await work.session.execute(delete(FactorSecret).where(FactorSecret.factor_id == factor.id))
    await work.session.delete(factor)
    await work.session.flush()
    if not await of_user(work, user):
        await work.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user))
    return factor


async def reset(work: Work, user_id: UUID | None) -> User:
    """Take all factors of a user away, and end their sessions: they enrol anew when they come in next."""
    user = await work.take(User, user_id, field="id")
    for factor in (await work.session.scalars(select(MfaFactor).where(MfaFactor.user_id == user.id))).all():
        await work.session.execute(delete(FactorSecret).where(FactorSecret.factor_id == factor.id))
        await work.session.delete(factor)
    await work.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    await sessions.revoke_all(work, user.id, reason="MFA_RESET")
    happened = events.MfaReset(user_id=user.id, customer_id=user.customer_id)
    await work.emit(happened, subject=user.id, customer=user.customer_id)
    return user


async def _mine(work: Work, user: UUID, factor_id: UUID | None) -> MfaFactor:
    factor = await work.take(MfaFactor, factor_id, field="id")
    if factor.user_id != user:
        raise NotFound("There is no factor with this id.", field="id")
    return factor


async def _secret(work: Work, factor: MfaFactor) -> FactorSecret | None:
    """What a factor is recognised by, locked: two answers at the same moment are looked at one after the other."""
    key = {"tenant_id": work.caller.tenant, "factor_id": factor.id}
    return await work.session.get(FactorSecret, key, with_for_update=True, populate_existing=True)


async def _room_for_one_more(work: Work, user: UUID) -> None:
    # What was begun and never confirmed is in nobody's way.
    stale = select(MfaFactor).where(MfaFactor.user_id == user, MfaFactor.confirmed_at.is_(None))
    for factor in (await work.session.scalars(stale)).all():
        await work.session.delete(factor)
    await work.session.flush()
    if len(await of_user(work, user)) >= _MOST_FACTORS:
        raise Conflict(f"Nobody needs more than {_MOST_FACTORS} factors.")


# --- six digits (TOTP, RFC 6238)


async def offer_totp(work: Work, user: User, label: str) -> TotpOffer:
    """Begin to enrol an authenticator app; it counts once a code of it was confirmed."""
    await _room_for_one_more(work, user.id)
    factor = MfaFactor(user_id=user.id, kind=FactorKind.TOTP, label=line(label, field="label", longest=60))
    work.add(factor)
    await work.session.flush()
    secret = random_base32()
    sealed = sealing.of(work.settings).close(secret.encode(), purpose=_purpose(factor.id))
    work.session.add(FactorSecret(factor_id=factor.id, sealed=sealed, sign_count=0))
    return TotpOffer(factor, secret, totp_uri(user, secret, work))


def totp_uri(user: User, secret: str, work: Work) -> str:
    """What the square that the app photographs says."""
    host = urlsplit(work.settings.issuer or "").hostname or "PSA"
    return TOTP(secret).provisioning_uri(name=user.email, issuer_name=host)


async def totp_secret(work: Work, user: UUID, factor_id: UUID | None) -> str:
    """The secret of an app that is being enrolled, to be shown again after a wrong code; of no other."""
    factor = await _mine(work, user, factor_id)
    kept = await _secret(work, factor)
    if factor.confirmed_at is not None or kept is None or kept.sealed is None:
        raise NotFound("There is no factor with this id.", field="id")
    return sealing.of(work.settings).open(kept.sealed, purpose=_purpose(factor.id)).decode()


async def confirm_totp(work: Work, user: UUID, factor_id: UUID | None, code: str) -> MfaFactor:
    """Finish enrolling an app: a code of it is right."""
    factor = await _mine(work, user, factor_id)
    if factor.kind is not FactorKind.TOTP or not await _totp_is_right(work, factor, code):
        raise NotProven("The code is not right.", field="code")
    factor.confirmed_at = factor.last_used_at = work.at
    return factor


async def prove_totp(work: Work, user: UUID, code: str) -> bool:
    """Whether a code is the present one of an app of the user's, and was not used before."""
    for factor in await of_user(work, user):
        if factor.kind is FactorKind.TOTP and await _totp_is_right(work, factor, code):
            factor.last_used_at = work.at
            return True
    return False


async def _totp_is_right(work: Work, factor: MfaFactor, code: str) -> bool:
    """Compare with the present step and its neighbours; an accepted step and those before it are used up."""
    kept = await _secret(work, factor)
    if kept is None or kept.sealed is None:
        return False
    secret = sealing.of(work.settings).open(kept.sealed, purpose=_purpose(factor.id)).decode()
    digits, present = "".join(code.split()), int(work.at.timestamp()) // _STEP_SECONDS
    generator = TOTP(secret)
    for step in (present - 1, present, present + 1):
        expected = generator.at(step * _STEP_SECONDS)
        if hmac.compare_digest(expected.encode(), digits.encode()) and (kept.last_step or 0) < step:
            kept.last_step = step
            return True
    return False


def _purpose(factor: UUID) -> str:
    return f"factor {factor}"


# --- passkeys (WebAuthn level 3)


def relying_party(work: Work) -> tuple[str, str]:
    """Who asks for a passkey: our host name, and our origin."""
    issuer = work.settings.needed("issuer")
    return str(urlsplit(issuer).hostname), issuer


async def passkey_options(work: Work, user: User) -> tuple[str, str]:
    """What a browser needs to make a passkey, as JSON, and the challenge to remember."""
    await _room_for_one_more(work, user.id)
    host, _ = relying_party(work)
    known = [
        PublicKeyCredentialDescriptor(id=secret.credential_id)
        for secret in await _passkeys(work, user.id)
        if secret.credential_id
    ]
    options = webauthn.generate_registration_options(
        rp_id=host,
        rp_name=host,
        user_id=work.caller.tenant.bytes + user.id.bytes,
        user_name=user.email,
        user_display_name=user.display_name,
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return webauthn.options_to_json(options), bytes_to_base64url(options.challenge)


async def add_passkey(work: Work, user: User, answer: str, challenge: str, label: str) -> MfaFactor:
    """Enrol the passkey that a browser made."""
    host, origin = relying_party(work)
    try:
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=host,
            expected_origin=origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotProven("The passkey cannot be verified.") from error
    factor = MfaFactor(
        user_id=user.id, kind=FactorKind.PASSKEY, label=line(label, field="label", longest=60), confirmed_at=work.at
    )
    work.add(factor)
    await work.session.flush()
    row = FactorSecret(
        factor_id=factor.id,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
    )
    work.session.add(row)
    return factor


async def challenge(work: Work, user: UUID | None = None) -> tuple[str, str]:
    """What a browser needs to ask for a passkey, as JSON, and the challenge to remember; of anybody, if nobody is named."""
    host, _ = relying_party(work)
    known = [] if user is None else [one.credential_id for one in await _passkeys(work, user)]
    options = webauthn.generate_authentication_options(
        rp_id=host,
        allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known if one],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options), bytes_to_base64url(options.challenge)


def whose_passkey(answer: dict[str, Any]) -> tuple[UUID, UUID] | None:
    """The tenant and the user that an authenticator says it speaks for; to be proven."""
    try:
        handle = base64url_to_bytes(answer["response"]["userHandle"])
        return UUID(bytes=handle[:16]), UUID(bytes=handle[16:])
    except (KeyError, TypeError, ValueError):
        return None


async def prove_passkey(work: Work, user: UUID, answer: dict[str, Any], challenge: str) -> bool:
    """Whether an authenticator of the user's signed this challenge, for our origin, unlocked by its owner."""
    host, origin = relying_party(work)
    for factor in await of_user(work, user):
        kept = await _secret(work, factor)
        if factor.kind is not FactorKind.PASSKEY or kept is None or kept.public_key is None:
            continue
        if bytes_to_base64url(kept.credential_id or b"") != str(answer.get("id", "")).rstrip("="):
            continue
        try:
            verified = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=host,
                expected_origin=origin,
                credential_public_key=kept.public_key,
                credential_current_sign_count=kept.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError):
            return False
        kept.sign_count = verified.new_sign_count
        factor.last_used_at = work.at
        return True
    return False


async def _passkeys(work: Work, user: UUID) -> Sequence[FactorSecret]:
    query = (
        select(FactorSecret)
        .join(MfaFactor, (MfaFactor.tenant_id == FactorSecret.tenant_id) & (MfaFactor.id == FactorSecret.factor_id))
        .where(MfaFactor.user_id == user, MfaFactor.kind == FactorKind.PASSKEY, MfaFactor.confirmed_at.is_not(None))
    )
    return (await work.session.scalars(query)).all()


# --- on paper


async def new_recovery_codes(work: Work, user: UUID) -> list[str]:
    """Ten codes, told once; those of before are worth nothing from now on."""
    await work.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user))
    codes = [_code() for _ in range(RECOVERY_CODES)]
    work.session.add_all(RecoveryCode(user_id=user, code_hash=_code_hash(user, code)) for code in codes)
    return codes


async def prove_recovery_code(work: Work, user: UUID, code: str) -> bool:
    """Whether a code is one of the user's, and use it up."""
    key = {"tenant_id": work.caller.tenant, "user_id": user, "code_hash": _code_hash(user, code)}
    row = await work.session.get(RecoveryCode, key, with_for_update=True, populate_existing=True)
    if row is None or row.used_at is not None:
        return False
    row.used_at = work.at
    return True


async def recovery_codes_left(work: Work, user: UUID) -> int:
    """How many codes a user still has on paper."""
    query = select(RecoveryCode.code_hash).where(RecoveryCode.user_id == user, RecoveryCode.used_at.is_(None))
    return len((await work.session.scalars(query)).all())


def _code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def _code_hash(user: UUID, code: str) -> str:
    """Sixty random bits behind a throttle: a fast hash will do, with the user as its salt."""
    plain = "".join(one for one in code.casefold() if one in _ALPHABET)
    return handles.hashed(f"{user}/{plain}")
