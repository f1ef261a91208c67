"""Where we can be sent by an address that somebody else entered, and where not."""

from __future__ import annotations

import socket
from ipaddress import ip_network

import httpx2
import pytest

from subgraphs.kit import outside
from subgraphs.kit.config import Misconfigured, Settings, read
from subgraphs.kit.outside import NotAsked, Reach

NEIGHBOURS = outside.neighbours(Settings())
STRANGERS = outside.strangers(Settings())


@pytest.mark.parametrize(
    ("address", "neighbours", "strangers"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1:248:1893:25c8:1946", True, True),
        ("10.0.0.7", True, False),
        ("172.16.0.1", True, False),
        ("192.168.1.1", True, False),
        ("100.64.0.1", True, False),
        ("198.18.0.1", True, False),
        ("fd12:3456:789a::1", True, False),
        ("::ffff:10.0.0.7", True, False),
        ("64:ff9b::a00:7", True, False),
        ("64:ff9b::5db8:d822", True, True),
        ("2002:a00:7::1", True, False),
        ("127.0.0.1", False, False),
        ("127.8.8.8", False, False),
        ("::1", False, False),
        ("::ffff:127.0.0.1", False, False),
        ("::127.0.0.1", False, False),
        ("64:ff9b::7f00:1", False, False),
        ("0.0.0.0", False, False),  # noqa: S104 - an address, judged
        ("::", False, False),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("fe80::1%eth0", False, False),
        ("fd00:ec2::254", False, False),
        ("100.100.100.200", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("240.0.0.1", False, False),
        ("255.255.255.255", False, False),
    ],
)
def test_some_addresses_are_not_asked_whoever_says_so(address, neighbours, strangers):
    assert (NEIGHBOURS.covers(address), STRANGERS.covers(address)) == (neighbours, strangers)


def test_what_an_administrator_named_is_asked_also_without_tls():
    reach = Reach(networks=(ip_network("10.20.0.0/16"),))

    assert [reach.covers(one) for one in ("10.20.1.1", "10.21.1.1", "127.0.0.1")] == [True, False, False]
    assert [reach.plain(one) for one in ("10.20.1.1", "93.184.216.34")] == [True, False]


def test_loopback_is_asked_only_where_the_whole_platform_runs_on_it():
    at_home = Settings(issuer="http://localhost:4000")

    assert outside.neighbours(at_home).covers("127.0.0.1")
    assert not outside.strangers(at_home).covers("127.0.0.1")
    assert not NEIGHBOURS.plain("127.0.0.1")


def test_networks_that_are_none_are_a_mistake_of_the_settings():
    assert read({"PSA_WEBHOOK_NETWORKS": "10.0.0.0/8, fd00::/8"}).networks() == (
        ip_network("10.0.0.0/8"),
        ip_network("fd00::/8"),
    )
    with pytest.raises(Misconfigured, match="PSA_WEBHOOK_NETWORKS"):
        read({"PSA_WEBHOOK_NETWORKS": "10.0.0.1/8"})


async def asked(url: str, *addresses: str, reach: Reach = STRANGERS) -> list[str]:
    """Ask a URL whose name stands for these addresses; how often the name was looked up."""
    looked_up = []

    async def lookup(host: str, _port: int) -> list[str]:
        looked_up.append(host)
        return list(addresses)

    async with outside.client(reach, seconds=0.5, lookup=lookup) as http:
        with pytest.raises(NotAsked):
            await http.get(url)
    return looked_up


async def test_a_name_with_one_bad_address_among_good_ones_is_not_asked():
    assert await asked("https://hook.example/", "93.184.216.34", "127.0.0.1") == ["hook.example"]


async def test_without_tls_nothing_is_asked_that_nobody_named():
    assert await asked("http://hook.example/", "93.184.216.34") == ["hook.example"]
    assert await asked("ftp://hook.example/", "10.1.1.1", reach=Reach(networks=(ip_network("10.0.0.0/8"),)))


async def test_a_name_that_means_something_else_a_moment_later_is_judged_by_what_is_connected_to(unused_port):
    """DNS rebinding: the second answer would be an address that may not be asked, and is never looked at."""
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    seen: list[str] = []

    async def lookup(_host: str, _port: int) -> list[str]:
        seen.extend(found := next(answers))
        return found

    reach = Reach(networks=(ip_network("127.0.0.1/32"),))
    async with outside.client(reach, seconds=5, lookup=lookup) as http:
        with pytest.raises(httpx2.ConnectError):
            await http.get(f"http://hook.example:{unused_port}/")
    assert seen == ["127.0.0.1"]


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
