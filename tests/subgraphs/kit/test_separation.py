"""Who wrote something does not approve it, in whatever name they come."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import pytest

from subgraphs.kit.caller import Caller, system
from subgraphs.kit.separation import FourEyes, four_eyes
from tests.subgraphs.house import staff


@dataclass(frozen=True)
class Asked:
    """A work of somebody."""

    caller: Caller


ME, OTHER, BOSS = uuid4(), uuid4(), uuid4()


@pytest.mark.parametrize("writers", [[OTHER], [OTHER, BOSS], [None], []])
def test_what_others_wrote_may_be_approved(writers):
    four_eyes(Asked(staff(subject=ME)), *writers)


@pytest.mark.parametrize("writers", [[ME], [OTHER, ME], [None, ME]])
def test_what_one_wrote_oneself_is_approved_by_somebody_else(writers):
    with pytest.raises(FourEyes) as refused:
        four_eyes(Asked(staff(subject=ME)), *writers, field="id")

    assert (refused.value.code, refused.value.field) == ("FOUR_EYES", "id")


@pytest.mark.parametrize("writer", [ME, BOSS])
def test_whoever_acts_in_anothers_name_is_both(writer):
    with pytest.raises(FourEyes):
        four_eyes(Asked(staff(subject=ME, impersonator=BOSS)), writer)


def test_the_platform_itself_approves_nothing():
    with pytest.raises(FourEyes):
        four_eyes(Asked(system(uuid4())), OTHER)
