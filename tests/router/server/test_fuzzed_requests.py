"""Any bytes give a well-formed response with 2xx or 4xx; `tests/fuzz/requests.py` does the same at any size."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any


def fuzz() -> Any:
    file = Path(__file__).parents[2] / "fuzz" / "requests.py"
    spec = importlib.util.spec_from_file_location("fuzz_requests", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_requests"] = module
    spec.loader.exec_module(module)
    return module


async def test_a_thousand_requests_without_sense_are_answered_well() -> None:
    report = await fuzz().run(seed=7, count=1000)

    assert report.broken == []
    assert set(report.statuses) <= {200, 400, 404, 405, 406, 413, 415, 422}
