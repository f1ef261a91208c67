"""Write down the plan of each case that has none yet, or of those named: `python tests/router/write_plans.py [NAME ...]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from case import ALL

from router.planner.planner import Planner
from router.planner.query_plan import pretty, to_json

if __name__ == "__main__":
    for case in ALL:
        if case.path.name in sys.argv[1:] or not (case.path / "plan.json").exists():
            plan = Planner(case.supergraph).plan(case.document, labels=case.labels)
            (case.path / "plan.json").write_text(json.dumps(to_json(plan), indent=2) + "\n")
            sys.stdout.write(f"{case.path.name}\n{pretty(plan)}\n")
