"""Ports for children: free now, and still free when the child comes, whatever else the machine connects to meanwhile."""

from __future__ import annotations

import socket
from pathlib import Path

from deploy.local import children


def test_a_free_port_is_none_that_a_connection_could_be_given() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())

    ports = [children.free_port() for _ in range(50)]

    assert not [port for port in ports if first <= port <= last]
    assert len(set(ports)) > 40


def test_a_free_port_is_free() -> None:
    address = ("127.0.0.1", children.free_port())

    with socket.socket() as server:
        server.bind(address)
        server.listen()
        assert server.getsockname() == address
