"""Supergraphs are swapped under load: no request fails, no event is lost, and nothing stays behind. A hundred are swapped by a command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_reloads_cost_no_request_and_no_memory() -> None:
    command = [sys.executable, str(Path(__file__).with_name("reload_drill.py")), "6"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)

    assert done.stdout, done.stderr
    drill = json.loads(done.stdout.splitlines()[-1])
    assert (drill["reloads"], drill["failed"]) == (6, 0)
    assert drill["requests"] > 18
    assert (drill["subscribers"], drill["events"], drill["lost"], drill["told"]) == (5, 30, 0, 5)
    assert drill["grown_bytes"] < 1_000_000
