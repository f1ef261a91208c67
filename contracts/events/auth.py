"""What auth tells the others: people who come and go, their sessions, and what looks like an attack."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime

from contracts.events.envelope import Event, catalogue


class _UserFact(Event):
    """Something that happened to a user."""

    subject_type = "User"

    user_id: UUID
    customer_id: UUID | None
    """The customer for whom they work; null for staff."""


class UserCreated(_UserFact):
    """A user was written down."""

    type = "user.created"

    display_name: str
    email: str
    kind: str
    """STAFF, CUSTOMER, COMANAGED or SERVICE."""


class UserUpdated(_UserFact):
    """A user was changed, by whatever command: refresh the short copy."""

    type = "user.updated"

    display_name: str
    email: str
    status: str
    """INVITED, ACTIVE, LOCKED or DISABLED."""
    changed: tuple[str, ...]
    """The fields that changed, by their names in GraphQL."""


class UserInvited(_UserFact):
    """A user was invited, and was sent a link to choose a way to sign in."""

    type = "user.invited"

    email: str


class UserActivated(_UserFact):
    """A user may sign in from now on."""

    type = "user.activated"


class UserDisabled(_UserFact):
    """A user is gone; nothing of theirs opens a door any more."""

    type = "user.disabled"


class UserRoleChanged(_UserFact):
    """A user was given a role, or lost one."""

    type = "user.role_changed"

    roles: tuple[str, ...]
    """The keys of all roles that they have now."""


class UserAccessChanged(_UserFact):
    """A user sees other customers than before: whoever tells them something asks this first."""

    type = "user.access_changed"

    customers: tuple[UUID, ...] | None
    """The customers whom they see, their branches among them; null: all of the tenant's but the denied ones."""
    denied: tuple[UUID, ...] = ()
    """The customers whom they must not see, whatever else is allowed."""


class TeamUpdated(Event):
    """A team was made, renamed or dissolved, or somebody joined or left it: refresh the short copy."""

    type = "team.updated"
    subject_type = "Team"

    id: UUID
    name: str
    member_ids: tuple[UUID, ...]
    """Everybody who belongs to it now; empty when it was dissolved."""
    dissolved: bool = False


class _ApiKeyFact(Event):
    """Something that happened to an API key."""

    subject_type = "ApiKey"

    id: UUID
    owner_id: UUID
    """The user for whom it stands."""
    name: str
    prefix: str
    """What of the key may be shown."""


class ApiKeyCreated(_ApiKeyFact):
    """An API key was made, or given a new secret."""

    type = "api_key.created"


class ApiKeyRevoked(_ApiKeyFact):
    """An API key opens nothing any more."""

    type = "api_key.revoked"


class SessionRevoked(_UserFact):
    """A session was ended before its time: by signing out, or by somebody who may."""

    type = "session.revoked"

    session_id: UUID
    reason: str
    """SIGNED_OUT, REVOKED, USER_DISABLED, PASSWORD_CHANGED or MFA_RESET."""


class MfaReset(_UserFact):
    """All second factors of a user were taken away; they enrol anew when they sign in next."""

    type = "mfa.reset"


class AuthLoginFailedThreshold(_UserFact):
    """Somebody fails to sign in as this user again and again: told at 5, 20 and 100 failures within an hour."""

    type = "auth.login_failed_threshold"

    failures: int
    address: str | None
    """From where the last attempt came."""


class _ImpersonationFact(_UserFact):
    """The user is the one in whose name somebody acts."""

    impersonation_id: UUID
    impersonator_id: UUID
    """Who really acts."""


class ImpersonationStarted(_ImpersonationFact):
    """Somebody begins to act in a user's name."""

    type = "impersonation.started"

    reason: str
    expires_at: AwareDatetime


class ImpersonationEnded(_ImpersonationFact):
    """Nobody acts in the user's name any more: it was stopped, or its time was up."""

    type = "impersonation.ended"

    reason: str
    """STOPPED or EXPIRED."""


class SecurityEventRecorded(Event):
    """Something that matters for security was put down, in whichever module it happened: `securityEvents` tells it."""

    type = "security_event.recorded"
    subject_type = "SecurityEvent"

    id: UUID
    """That of the entry in the module's audit, and of the security event."""
    category: str
    """SIGN_IN, REFUSAL, GRANT, IMPERSONATION, EXPORT or OTHER."""


CATALOGUE = catalogue(
    UserCreated,
    UserUpdated,
    UserInvited,
    UserActivated,
    UserDisabled,
    UserRoleChanged,
    UserAccessChanged,
    TeamUpdated,
    ApiKeyCreated,
    ApiKeyRevoked,
    SecurityEventRecorded,
    SessionRevoked,
    MfaReset,
    AuthLoginFailedThreshold,
    ImpersonationStarted,
    ImpersonationEnded,
)
"""Every event of auth by its type."""
