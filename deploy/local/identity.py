"""Who may come in on this machine: keys that live in the home, and access tokens for the people of the demo.

Two keys, because they say different things. The *issuer* signs what a client shows the router (an OAuth 2.0 access
token as RFC 9068 has it); the *router* signs what it shows a module. Neither can speak for the other.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

from contracts.identity import EVERY_CUSTOMER, SIGNING_ALGORITHM, CallerClaims
from contracts.scopes import ROLES
from deploy.local import home as homes
from deploy.local.home import Trouble
from deploy.local.people import SCALE, TENANTS, Person, Tenant

_ISSUER = "http://localhost:4000"
AUDIENCE = "psa"
TOKEN_HOURS = 8
_CLIENT = "psa-local"


def issuer_key(home: Path) -> ECKey:
    """The key that signs access tokens."""
    return _key(home / "identity" / "issuer.jwk")


def router_key(home: Path) -> ECKey:
    """The key with which the router signs what it tells a module."""
    return _key(router_key_file(home))


def router_key_file(home: Path) -> Path:
    """Where the router reads its key."""
    return home / "identity" / "router.jwk"


def public_keys_file(home: Path) -> Path:
    """Where the router finds the issuer's public key; written anew, in case somebody took the key away."""
    file = home / "identity" / "issuer.jwks.json"
    keys = json.dumps(public(issuer_key(home)), indent=1)
    with homes.explained(file):
        file.write_text(keys, encoding="utf-8")
    return file


def issuer(home: Path) -> str:
    """Who signs access tokens here: the origin at which browsers found the platform when it ran last."""
    try:
        return (home / "identity" / "issuer").read_text(encoding="utf-8")
    except FileNotFoundError:
        return _ISSUER


def remember_issuer(home: Path, port: int) -> str:
    """Write down at which origin browsers find the platform; by name, because a passkey belongs to a name."""
    homes.make_directory(home / "identity")
    file, origin = home / "identity" / "issuer", f"http://localhost:{port}"
    with homes.explained(file):
        file.write_text(origin, encoding="utf-8")
    return origin


def public(key: ECKey) -> dict[str, Any]:
    """The half of a key that everybody may know, as a JSON Web Key Set."""
    return {"keys": [key.as_dict(private=False)]}


def token(home: Path, tenant: Tenant, person: Person) -> str:
    """Mint an access token for a person; it holds for a working day."""
    key, now = issuer_key(home), int(time.time())
    claims = {
        "iss": issuer(home),
        "aud": AUDIENCE,
        "client_id": _CLIENT,
        "iat": now,
        "exp": now + TOKEN_HOURS * 3600,
        "jti": secrets.token_urlsafe(12),
        **_caller(home, tenant, person),
    }
    return jwt.encode({"alg": SIGNING_ALGORITHM, "typ": "at+jwt", "kid": key.kid}, claims, key)


def tenant_named(words: str | None) -> Tenant:
    """Find a tenant by its short or full name or its UUID; the first one if nothing is said."""
    for tenant in (*TENANTS, SCALE):
        if words is None or words.casefold() in {tenant.slug, tenant.name.casefold(), str(tenant.id)}:
            return tenant
    raise Trouble(f"There is no tenant {words!r}.", f"Choose one: {', '.join(t.slug for t in (*TENANTS, SCALE))}")


def person_named(tenant: Tenant, user: str | None, role: str | None) -> Person:
    """Find somebody by mail address, name or UUID, or by role; the owner if nothing is said."""
    wanted_role = role if role or user else "owner"
    for person in tenant.people:
        known_as = {person.email, person.email.partition("@")[0], person.name.casefold(), str(person.id)}
        if (user is None or user.casefold() in known_as) and (wanted_role is None or person.role == wanted_role):
            return person
    listed = "\n".join(f"      {person.role:22}{person.email:42}{person.name}" for person in tenant.people)
    wanted = " ".join(filter(None, (user and f"called {user!r}", role and f"with the role {role!r}")))
    raise Trouble(f"{tenant.name} has nobody {wanted}.", f"Choose one:\n{listed}")


def remember_customers(home: Path, tenant: Tenant, ids: Mapping[str, UUID]) -> None:
    """Write down which number stands for which customer, for the tokens of those who may see only a few."""
    homes.make_directory(home / "identity")
    text = json.dumps({number: str(id_) for number, id_ in ids.items()}, indent=1)
    _customers_file(home, tenant).write_text(text, encoding="utf-8")


def knows_customers(home: Path, tenant: Tenant) -> bool:
    """Whether the demo's customers of this tenant were made."""
    return _customers_file(home, tenant).exists()


def _caller(home: Path, tenant: Tenant, person: Person) -> CallerClaims:
    contact = contacts(home, tenant).get(person.email)
    claims: CallerClaims = {"contact": str(contact)} if contact else {}
    return {
        **claims,
        "tid": str(tenant.id),
        "sub": str(person.id),
        "kind": person.kind,
        "roles": [person.role],
        "scope": " ".join(sorted(ROLES[person.role])),
        "customers": EVERY_CUSTOMER if person.customers is None else _customers(home, tenant, person.customers),
    }


def remember_contacts(home: Path, tenant: Tenant, ids: Mapping[str, UUID]) -> None:
    """Write down which mail address stands for which contact, for those of a customer's people who come in."""
    homes.make_directory(home / "identity")
    text = json.dumps({email: str(id_) for email, id_ in ids.items()}, indent=1)
    _contacts_file(home, tenant).write_text(text, encoding="utf-8")


def contacts(home: Path, tenant: Tenant) -> Mapping[str, UUID]:
    """The contacts of the demo's people by their addresses; none as long as they have not been made."""
    try:
        ids: dict[str, str] = json.loads(_contacts_file(home, tenant).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {email: UUID(known) for email, known in ids.items()}


def customers(home: Path, tenant: Tenant) -> Mapping[str, UUID]:
    """The demo's customers of this tenant by their numbers; none as long as they have not been made."""
    try:
        ids: dict[str, str] = json.loads(_customers_file(home, tenant).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {number: UUID(known) for number, known in ids.items()}


def _customers(home: Path, tenant: Tenant, numbers: tuple[str, ...]) -> list[str]:
    try:
        ids: dict[str, str] = json.loads(_customers_file(home, tenant).read_text(encoding="utf-8"))
        return [ids[number] for number in numbers]
    except (FileNotFoundError, KeyError) as error:
        raise Trouble(
            "This user sees only some customers, and the demo's customers have not been made yet.",
            "Start ./dev run once, with the same --home",
        ) from error


def _contacts_file(home: Path, tenant: Tenant) -> Path:
    return home / "identity" / f"contacts-{tenant.slug}.json"


def _customers_file(home: Path, tenant: Tenant) -> Path:
    return home / "identity" / f"customers-{tenant.slug}.json"


def _key(path: Path) -> ECKey:
    return ECKey.import_key(json.loads(homes.private_file(path, _new_key)))


def _new_key() -> str:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": SIGNING_ALGORITHM}, auto_kid=True)
    return json.dumps(key.as_dict(private=True))
