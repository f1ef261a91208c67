"""A Redis of a test's own, which may be killed and started again at the same port."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from deploy.local import packages, services

needs_redis = pytest.mark.skipif(bool(packages.missing(["Redis"])), reason="Redis is not installed")


def redis_server(port: int, directory: Path) -> subprocess.Popen[bytes]:
    """Start it; what it held before is gone."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": directory}
    command = [str(services.REDIS), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    return subprocess.Popen(command, env={"PATH": os.defpath}, **quiet)  # type: ignore[call-overload, no-any-return]


async def until_it_answers(url: str) -> None:
    """Wait until it's ready."""
    async with Redis.from_url(url) as redis:
        while True:
            try:
                await redis.ping()
            except (OSError, RedisError):
                await asyncio.sleep(0.02)
            else:
                return
