"""The settings of subscriptions, in our words and in those of Apollo's router; and what new settings do to who is connected."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from router.server import config as settings
from router.server.app import build
from router.server.config import RouterConfig
from router.server.swap import Swappable

APOLLO = """
subscription:
  enabled: true
  max_opened_subscriptions: 7
  queue_capacity: 9
  deduplication: { enabled: false, ignored_headers: [x-transaction-id] }
  mode:
    passthrough:
      all: { path: /ws }
      subgraphs:
        reviews: { path: /live, protocol: graphql_ws, heartbeat_interval: 10s }
    callback:
      public_url: https://example.com:4000/callback
      listen: 127.0.0.1:4000
      path: /callback
      heartbeat_interval: disabled
      subgraphs: [accounts]
"""


def test_the_settings_of_apollos_router_mean_here_what_they_mean_there(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    file.write_text(APOLLO)
    read = settings.read(file, {}).subscriptions

    assert (read.enabled, read.max_opened_subscriptions, read.queue_capacity) == (True, 7, 9)
    assert (read.deduplication.enabled, read.deduplication.ignored_headers) == (False, {"x-transaction-id"})
    through, back = read.mode.passthrough, read.mode.callback
    assert through.all is not None
    assert back is not None
    assert (through.all.path, through.all.protocol, through.all.heartbeat_interval) == ("/ws", "graphql_ws", 20.0)
    assert (through.subgraphs["reviews"].path, through.subgraphs["reviews"].heartbeat_interval) == ("/live", 10.0)
    assert (back.public_url, back.path) == ("https://example.com:4000/callback", "/callback")
    assert (back.heartbeat_interval, back.subgraphs) == (0.0, {"accounts"})


@pytest.mark.parametrize(
    ("given", "seconds"), [("500ms", 0.5), ("5s", 5.0), ("2m", 120.0), ("1h", 3600.0), (3, 3.0), ("disabled", 0.0)]
)
def test_durations_are_written_as_apollo_writes_them(given: Any, seconds: float) -> None:
    mode = {"callback": {"public_url": "http://x", "heartbeat_interval": given}}
    read = RouterConfig.model_validate({"subscriptions": {"mode": mode}})

    assert read.subscriptions.mode.callback is not None
    assert read.subscriptions.mode.callback.heartbeat_interval == seconds


@pytest.mark.parametrize("wrong", ["soon", "-1s", "5 apples", None])
def test_what_is_no_duration_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="heartbeat_interval"):
        RouterConfig.model_validate(
            {"subscriptions": {"mode": {"callback": {"public_url": "http://x", "heartbeat_interval": wrong}}}}
        )


async def test_other_settings_ask_everybody_to_come_again(serving: Any) -> None:
    config = RouterConfig(access_log=False)
    swappable = Swappable(build(config), retire_seconds=20)

    async def connected(url: str) -> Any:
        socket = await connect(
            url.replace("http", "ws") + "/graphql", subprotocols=["graphql-transport-ws"], proxy=None
        )  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        return socket

    async with serving(swappable) as url, asyncio.timeout(60):
        old = await connected(url)
        await swappable.swap(build(config))
        with pytest.raises(ConnectionClosed):
            await old.recv()
        new = await connected(url)
        await new.close()

    assert (old.close_code, old.close_reason) == (1012, "The router got other settings")
