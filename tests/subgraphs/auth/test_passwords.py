"""What a hash costs: dear by default, never cheap where others can come, and renewed when the price goes up."""

from __future__ import annotations

from dataclasses import replace

import argon2
import pytest
from sqlalchemy import select

from subgraphs.auth.models.credentials import Password
from subgraphs.auth.rules.credentials import HashCost
from subgraphs.auth.service import passwords
from subgraphs.kit import config
from subgraphs.kit.config import Settings
from tests.subgraphs.auth.conftest import PASSWORD, Auth

DEFAULT = argon2.Parameters(
    argon2.Type.ID, version=19, salt_len=16, hash_len=32, time_cost=3, memory_cost=65536, parallelism=4
)


async def test_a_password_costs_64_mebibytes_and_three_passes_unless_somebody_says_otherwise():
    assert argon2.extract_parameters(await passwords.hashed(PASSWORD, Settings())) == DEFAULT
    assert HashCost.of(Settings().password_hashing).is_enough


@pytest.mark.parametrize(
    ("cost", "is_enough"),
    [
        ("m=47104,t=1,p=1", True),
        ("m=47103,t=1,p=1", False),
        ("m=19456,t=2,p=1", True),
        ("m=19455,t=2,p=1", False),
        ("m=19455,t=2,p=8", False),
        ("m=12288,t=3,p=1", True),
        ("m=9216,t=4,p=1", True),
        ("m=7168,t=5,p=1", True),
        ("m=7167,t=99,p=1", False),
    ],
)
def test_enough_is_what_owasp_asks_for(cost: str, is_enough: bool):  # noqa: FBT001 - a parameter of the table above
    assert HashCost.of(cost).is_enough is is_enough


@pytest.mark.parametrize("words", ["64 MiB", "m=64,t=0,p=1", "t=1,m=64,p=1", "m=65536,t=3", ""])
def test_what_is_no_cost_is_no_setting(words: str):
    with pytest.raises(config.Misconfigured, match="PSA_PASSWORD_HASHING"):
        config.read({"PSA_PASSWORD_HASHING": words})


async def test_a_hash_that_was_cheaper_is_made_anew_when_its_owner_comes(auth: Auth):
    user = await auth.person()
    dearer = auth.service.settings.model_copy(update={"password_hashing": "m=128,t=1,p=1"})
    async with auth.work() as begun:
        job = replace(begun, settings=dearer)
        assert not await passwords.is_right(job, user.id, "another one entirely")
        assert await passwords.is_right(job, user.id, PASSWORD)
    async with auth.work() as job:
        kept = await job.session.scalar(select(Password.hash).where(Password.user_id == user.id))
        assert await passwords.is_right(job, user.id, PASSWORD)

    assert kept is not None
    assert kept.startswith("$argon2id$v=19$m=128,t=1,p=1$")
