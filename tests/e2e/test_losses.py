"""What the loss of a part costs: that part, for as long as it is away, and nothing else."""

from __future__ import annotations

import os
import signal

import pytest

from tests.deploy.local.processes import command, family, still_running, wait_until
from tests.e2e.conftest import START_SECONDS, Platform
from tests.e2e.test_first_answer import SEED

pytestmark = [pytest.mark.timeout(START_SECONDS + 120), pytest.mark.faults]


def process_of(platform: Platform, words: str) -> int:
    """Find the one process of this platform whose command line has these words."""
    found = [pid for pid in family(platform.process.pid) if words in command(pid)]
    assert len(found) == 1, found
    return found[0]


def test_a_killed_database_is_back_and_nothing_committed_is_lost(platform: Platform) -> None:
    before = platform.ask(SEED)

    os.kill(process_of(platform, "/postgres -D"), signal.SIGKILL)

    assert platform.wait_until_it_says("⚠ The database ended (SIGKILL); starting it again.")
    assert platform.wait_until_it_says("✓ The database is back after")
    assert wait_until(lambda: platform.ask(SEED) == before)


def test_without_the_tickets_module_name_and_assets_still_arrive(platform: Platform) -> None:
    if "--split" not in command(platform.process.pid):
        pytest.skip("in one process, no module can be killed alone")
    whole = platform.ask(SEED)["data"]["customer"]
    module = process_of(platform, "subgraphs tickets serve")
    os.kill(module, signal.SIGSTOP)  # so that it is not back before we ask
    os.kill(module, signal.SIGKILL)

    answer = platform.ask(SEED)

    assert answer["data"]["customer"] == whole | {"tickets": None}
    assert [(error["path"], error["extensions"]["service"]) for error in answer["errors"]] == [
        (["customer", "tickets"], "tickets")
    ]
    assert platform.wait_until_it_says("⚠ The module tickets ended (SIGKILL); starting it again.")
    assert wait_until(lambda: platform.ask(SEED) == {"data": {"customer": whole}}, seconds=120)


def test_nothing_survives_a_platform_that_was_killed_and_its_data_does(platform: Platform) -> None:
    answer = platform.ask(SEED)
    everybody = family(platform.process.pid)
    platform.process.kill()
    platform.process.wait()

    assert still_running(everybody, seconds=60) == []
    platform.start()
    assert platform.is_up(), platform.output
    assert platform.ask(SEED) == answer
    assert "demo data" not in platform.output.partition("GraphQL")[0]
