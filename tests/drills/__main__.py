"""`python -m tests.drills [numbers] [--long [--hours N]]`: measure the figures of reliability, against real services, and print the table.

Each figure is a promise, the tests that prove it, and mutants: the same code with one step wrong, which the same count must
catch. A figure whose mutant was not caught has proven nothing, and fails like one that does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from deploy.local import testing
from tests.drills.figures import FIGURES, Bound, Figure


@dataclass(frozen=True, slots=True)
class Ran:
    """One test that ran."""

    name: str
    passed: bool
    skipped: bool
    measured: tuple[str, ...]


def main() -> int:
    """Run what was asked for, and say what came of it; the exit code is 1 when anything does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", help="only these figures")
    parser.add_argument(
        "--long", action="store_true", help="count longer, where a figure knows how: hours instead of minutes"
    )
    parser.add_argument("--hours", type=float, default=8.0, help="how long the long run of figure 10 kills at least")
    asked = parser.parse_args()
    if unknown := set(asked.numbers) - {figure.number for figure in FIGURES}:
        parser.error(
            f"there is no figure {', '.join(sorted(unknown))} here: {', '.join(one.number for one in FIGURES)}"
        )
    wanted = [figure for figure in FIGURES if not asked.numbers or figure.number in asked.numbers]
    os.environ["PSA_DRILL"] = "long" if asked.long else "short"
    os.environ["PSA_DRILL_HOURS"] = str(asked.hours)
    ran = _run(sorted({one for figure in wanted for one in (*figure.proofs, *figure.mutants)}))
    table = [_line(figure, ran, long=asked.long) for figure in wanted]
    print(
        "\n| figure | promise | must be | measured | proofs | mutants caught | holds |\n|---|---|---|---|--:|--:|---|"
    )
    print("\n".join(line for line, _ in table))
    return 0 if all(holds for _, holds in table) else 1


def _run(tests: Sequence[str]) -> Mapping[str, list[Ran]]:
    """Run tests, and gather what ran by the path and name that it was asked for."""
    with tempfile.TemporaryDirectory(prefix="psa-drills-") as directory:
        report = Path(directory) / "report.xml"
        arguments = [*tests, "-q", f"--junitxml={report}", "-o", "junit_family=xunit1"]
        asyncio.run(testing.run(arguments, lambda line: print(line, file=sys.stderr)))
        cases = ET.parse(report).getroot().iter("testcase") if report.exists() else iter(())  # noqa: S314 - our own
        found: dict[str, list[Ran]] = {}
        for case in cases:
            name = f"{case.get('file')}::{case.get('name')}"
            outcomes = {child.tag for child in case}
            ran = Ran(
                name,
                passed=not outcomes & {"failure", "error", "skipped"},
                skipped="skipped" in outcomes,
                measured=tuple(str(one.get("value")) for one in case.iter("property") if one.get("name") in _MEASURED),
            )
            for test in tests:
                if _is(name, test):
                    found.setdefault(test, []).append(ran)
        return found


_MEASURED = ("figure",)


def _is(name: str, test: str) -> bool:
    """Whether a test that ran is the one that was asked for, or one of its cases."""
    return name == test or name.startswith((f"{test}::", f"{test}["))


def _line(figure: Figure, ran: Mapping[str, list[Ran]], *, long: bool) -> tuple[str, bool]:
    proofs, mutants = (
        [one for test in tests for one in ran.get(test, [])] for tests in (figure.proofs, figure.mutants)
    )
    missing = [test for test in (*figure.proofs, *figure.mutants) if not ran.get(test)]
    measured = [json.loads(value) for one in proofs for value in one.measured]
    broken = [bound for bound in figure.bounds if (long or not bound.long) and not _kept(bound, measured)]
    holds = not missing and not broken and all(one.passed or one.skipped for one in (*proofs, *mutants))
    left_out = sum(one.skipped for one in (*proofs, *mutants))
    verdict = "yes" if holds else f"**NO**{': ' + ', '.join(one.words for one in broken) if broken else ''}"
    cells = (
        figure.number,
        figure.promise,
        "; ".join(bound.words for bound in figure.bounds) or "-",
        "<br>".join(dict.fromkeys(_words(one) for one in measured)) or "-",
        f"{sum(one.passed for one in proofs)} of {len(proofs)}",
        f"{sum(one.passed for one in mutants)} of {len(mutants)}",
        f"{verdict}{f' ({left_out} left out)' if left_out else ''}",
    )
    return f"| {' | '.join(cells)} |", holds


def _kept(bound: Bound, measured: Sequence[Mapping[str, Any]]) -> bool:
    """Whether what was measured keeps within a bound; what nobody measured does not."""
    values = [float(one[bound.measured]) for one in measured if bound.measured in one]
    if not values:
        return False
    return (bound.least is None or sum(values) >= bound.least) and (bound.most is None or max(values) <= bound.most)


def _words(measured: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in measured.items())


if __name__ == "__main__":
    sys.exit(main())
