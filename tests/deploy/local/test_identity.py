"""Tokens for the people of the demo: signed by a key of this home, saying neither more nor less than the role allows."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

from contracts.scopes import PERMISSIONS, ROLES
from deploy.local import identity
from deploy.local.home import Trouble
from deploy.local.people import ALPENBLICK, NORDLICHT, TENANTS, Tenant


def decoded(home: Path, token: str) -> jwt.Token:
    """Verify a token as a stranger would who knows the public key only."""
    return jwt.decode(token, KeySet.import_key_set(identity.public(identity.issuer_key(home))))  # type: ignore[arg-type]


def test_the_owner_may_do_everything_to_all_customers_for_a_working_day(tmp_path: Path) -> None:
    owner = NORDLICHT.with_role("owner")

    token = decoded(tmp_path, identity.token(tmp_path, NORDLICHT, owner))

    assert token.header["typ"] == "at+jwt"
    assert token.header["alg"] == "ES256"
    claims = token.claims
    assert {name: claims[name] for name in ("iss", "aud", "tid", "sub", "kind", "roles", "customers")} == {
        "iss": "http://localhost:4000",
        "aud": "psa",
        "tid": str(NORDLICHT.id),
        "sub": str(owner.id),
        "kind": "STAFF",
        "roles": ["owner"],
        "customers": "*",
    }
    assert set(claims["scope"].split()) == set(PERMISSIONS)
    assert claims["exp"] - claims["iat"] == 8 * 3600
    assert abs(claims["iat"] - time.time()) < 60


def test_ids_are_the_same_on_every_machine() -> None:
    assert NORDLICHT.id == UUID("65544e7b-6ff5-5098-b7df-3da181603d94")
    assert ALPENBLICK.id == UUID("ee93ea18-d089-5971-910f-5820ca77a4f4")
    assert len({person.id for tenant in TENANTS for person in tenant.people}) == 28


@pytest.mark.parametrize("tenant", TENANTS, ids=lambda tenant: tenant.slug)
def test_every_role_has_exactly_one_person(tenant: Tenant) -> None:
    assert sorted(person.role for person in tenant.people) == sorted(ROLES)


def test_a_portal_user_sees_its_own_customer_and_no_other(tmp_path: Path) -> None:
    hansen, other = UUID(int=123), UUID(int=101)
    identity.remember_customers(tmp_path, NORDLICHT, {"123": hansen, "101": other})

    claims = decoded(tmp_path, identity.token(tmp_path, NORDLICHT, NORDLICHT.with_role("portal_user"))).claims

    assert claims["kind"] == "CUSTOMER"
    assert claims["customers"] == [str(hansen)]
    assert set(claims["scope"].split()) == ROLES["portal_user"]


def test_there_is_no_token_for_a_portal_user_before_its_customer_is_there(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=r"\./dev run"):
        identity.token(tmp_path, NORDLICHT, NORDLICHT.with_role("portal_user"))


def test_a_key_is_made_once_and_readable_by_nobody_else(tmp_path: Path) -> None:
    first, again = identity.issuer_key(tmp_path), identity.issuer_key(tmp_path)

    assert first.as_dict(private=True) == again.as_dict(private=True)
    assert stat.S_IMODE((tmp_path / "identity" / "issuer.jwk").stat().st_mode) == 0o600
    assert "d" not in identity.public(first)["keys"][0]


def test_another_home_does_not_accept_the_token(tmp_path: Path) -> None:
    token = identity.token(tmp_path / "one", NORDLICHT, NORDLICHT.with_role("owner"))

    with pytest.raises(InvalidKeyIdError):
        decoded(tmp_path / "other", token)


def test_the_router_has_a_key_of_its_own(tmp_path: Path) -> None:
    assert identity.router_key(tmp_path).kid != identity.issuer_key(tmp_path).kid


@pytest.mark.parametrize("words", ["alpenblick", "Alpenblick Systemhaus", str(ALPENBLICK.id)])
def test_a_tenant_is_found_by_any_of_its_names(words: str) -> None:
    assert identity.tenant_named(words) is ALPENBLICK


def test_whoever_is_not_there_is_answered_with_who_is() -> None:
    with pytest.raises(Trouble) as refused:
        identity.person_named(NORDLICHT, None, "astronaut")

    assert refused.value.problem == "Nordlicht IT has nobody with the role 'astronaut'."
    assert all(person.email in refused.value.remedy for person in NORDLICHT.people)


def test_dev_token_prints_the_token_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.local", "token", "--home", str(tmp_path), "--role", "technician"]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}

    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

    assert done.stderr == ""
    assert decoded(tmp_path, done.stdout.strip()).claims["sub"] == str(NORDLICHT.with_role("technician").id)


def test_dev_token_for_nobody_is_told_in_words(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.local", "token", "--home", str(tmp_path), "--tenant", "nowhere"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "✗ There is no tenant 'nowhere'.\n  → Choose one: nordlicht, alpenblick, scale\n"
