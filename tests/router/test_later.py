"""What is imported when it's needed is the module itself, and not before."""

from __future__ import annotations

import json
import subprocess
import sys

from router.later import later


def test_it_is_the_module_that_it_stands_for() -> None:
    assert later("json").dumps is json.dumps


def test_a_router_over_plain_http_needs_neither_redis_nor_the_big_http_client() -> None:
    look = (
        "import sys; from router.server.app import build; from router.server.config import RouterConfig;"
        "build(RouterConfig()); print([name for name in ('redis', 'httpx2', 'trio', 'router.composition.compose')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
