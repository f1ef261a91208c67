"""A port that is taken is told at once, with who has it and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import serving
from deploy.local.home import Trouble


def test_a_taken_port_is_told_with_its_holder_and_the_remedy() -> None:
    with serving.take(0) as taken:
        port = serving.port_of(taken)
        with pytest.raises(Trouble) as refused:
            serving.take(port)

    assert refused.value.problem.startswith(f"Port {port} is taken by `")
    assert refused.value.problem.endswith(f"` (process {os.getpid()}).")
    assert refused.value.remedy == f"Stop that, or choose another port: ./dev run --port {port + 1}"


def test_it_listens_on_loopback_only() -> None:
    with serving.take(0) as taken:
        assert taken.getsockname()[0] == "127.0.0.1"


def test_nobody_holds_a_port_that_is_free() -> None:
    with serving.take(0) as taken:
        port = serving.port_of(taken)

    assert serving.holder_of(port) is None


def test_dev_run_on_a_taken_port_says_so_before_it_makes_anything(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving.take(0) as taken:
        port = serving.port_of(taken)
        command = [sys.executable, "-m", "deploy.local", "run", "--port", str(port), "--home", str(home)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"✗ Port {port} is taken by `" in done.stderr
    assert not home.exists()
