"""When something that comes in is a device that we know."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from subgraphs.assets.rules.matching import Decision, Traits, match, score, twins

CUSTOMER, OTHER = uuid4(), uuid4()
KNOWN = Traits(
    customer=CUSTOMER,
    serial="ABC-1",
    manufacturer="Lenovo",
    tag="NL-0001",
    hostname="nb-01",
    macs=frozenset({"00:11:22:33:44:55"}),
)
ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("incoming", "points"),
    [
        (Traits(CUSTOMER, serial=" abc-1", manufacturer="LENOVO"), 100),
        (Traits(CUSTOMER, tag="nl-0001"), 95),
        (Traits(CUSTOMER, macs=frozenset({"00:11:22:33:44:55", "aa:aa:aa:aa:aa:aa"})), 90),
        (Traits(CUSTOMER, serial="abc-1"), 80),
        (Traits(CUSTOMER, hostname="NB-01"), 70),
        (Traits(CUSTOMER, hostname="nb-02"), 0),
        (Traits(CUSTOMER), 0),
        (Traits(OTHER, serial="ABC-1", manufacturer="Lenovo"), 0),
        (Traits(CUSTOMER, serial="ABC-2", manufacturer="Lenovo", macs=KNOWN.macs, hostname="nb-01"), 0),
        (Traits(CUSTOMER, serial="To Be Filled By O.E.M.", hostname="nb-01"), 70),
    ],
)
def test_each_key_is_as_sure_as_it_is(incoming, points):
    assert score(incoming, KNOWN) == points


@pytest.mark.parametrize("serial", ["", "0000000", "Default string", "n/a", "xxxx", "System Serial Number"])
def test_what_makers_write_where_nothing_is_known_is_no_serial_number(serial):
    assert score(replace(KNOWN, serial=serial, tag=None, macs=frozenset(), hostname=None), replace(KNOWN, serial=serial, tag=None, macs=frozenset(), hostname=None)) == 0  # fmt: skip


def test_sure_and_only_one_is_that_device():
    found = match(
        Traits(CUSTOMER, tag="NL-0001", hostname="nb-01"), [(ONE, KNOWN), (TWO, Traits(CUSTOMER, hostname="nb-01"))]
    )

    assert found.decision is Decision.UPDATE
    assert [(one.asset, one.score) for one in found.candidates] == [(ONE, 95), (TWO, 70)]


def test_two_that_are_equally_sure_are_for_somebody_to_decide():
    found = match(Traits(CUSTOMER, macs=KNOWN.macs), [(ONE, KNOWN), (TWO, Traits(CUSTOMER, macs=KNOWN.macs))])

    assert found.decision is Decision.REVIEW
    assert found.best is not None
    assert found.best.asset == ONE


def test_likely_is_for_somebody_to_decide_and_nothing_is_new():
    assert match(Traits(CUSTOMER, hostname="nb-01"), [(ONE, KNOWN)]).decision is Decision.REVIEW
    assert match(Traits(CUSTOMER, hostname="nb-09"), [(ONE, KNOWN)]).decision is Decision.CREATE


def test_a_device_that_comes_twice_in_one_import_is_one():
    rows = [KNOWN, Traits(CUSTOMER, hostname="other"), replace(KNOWN, hostname="renamed"), KNOWN]

    assert twins(rows) == {2: 0, 3: 0}


@pytest.mark.parametrize(
    "blank",
    [
        Traits(CUSTOMER, tag="No Asset Tag"),
        Traits(CUSTOMER, tag="To be filled by O.E.M."),
        Traits(CUSTOMER, tag="Default string"),
        Traits(CUSTOMER, serial="0123456789", manufacturer="ASUS"),
        Traits(CUSTOMER, serial="Not  Applicable", manufacturer="ASUS"),
        Traits(CUSTOMER, serial="00000-00000", manufacturer="ASUS"),
        Traits(CUSTOMER, serial="FFFFFFFF", manufacturer="ASUS"),
        Traits(CUSTOMER, hostname="localhost.localdomain"),
        Traits(CUSTOMER, hostname="RaspberryPi"),
        Traits(CUSTOMER, hostname="raspberrypi.fritz.box"),
        Traits(CUSTOMER, hostname="ubuntu."),
        Traits(CUSTOMER, macs=frozenset({"00:00:00:00:00:00"})),
        Traits(CUSTOMER, macs=frozenset({"00:05:9a:3c:7a:00"})),
        Traits(CUSTOMER, macs=frozenset({"02:42:ac:11:00:01", "0a:00:27:00:00:0f", "00:50:56:c0:00:08"})),
    ],
)
def test_what_many_devices_have_in_common_makes_none_of_them_one(blank):
    assert score(blank, blank) == 0
    assert twins([blank, blank]) == {}


@pytest.mark.parametrize("tag", ["7", "11", "1111", "PC-0"])
def test_a_short_number_on_a_label_is_a_number(tag):
    assert score(Traits(CUSTOMER, tag=tag), Traits(CUSTOMER, tag=tag)) == 95


def test_the_form_of_a_makers_company_is_no_other_maker():
    one, other = (Traits(CUSTOMER, serial="5XK2", manufacturer=name) for name in ("Dell Inc.", "DELL"))

    assert score(one, other) == 100


def test_a_docking_station_makes_two_notebooks_no_one():
    """Its address is seen at both; their serial numbers say that they are two, so somebody looks."""
    dock = frozenset({"48:2a:e3:00:00:01"})
    known = Traits(CUSTOMER, serial="PF-1", manufacturer="Lenovo", macs=dock)
    hp = Traits(CUSTOMER, serial="5CD1", manufacturer="HP", macs=dock)
    nameless = Traits(CUSTOMER, serial="5CD1", macs=dock)

    assert match(hp, [(ONE, known)]).decision is Decision.REVIEW
    assert match(nameless, [(ONE, known)]).decision is Decision.REVIEW
    assert match(replace(hp, serial=None), [(ONE, known)]).decision is Decision.UPDATE


def test_twins_of_a_large_file_are_found_without_comparing_all_with_all():
    rows = [Traits(CUSTOMER, serial=f"S{n % 20_000}", manufacturer="HP") for n in range(20_001)]

    assert twins(rows) == {20_000: 0}
