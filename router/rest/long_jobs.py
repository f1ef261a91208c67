"""Commands that only begin something: `202`, and in `Location` where one sees how far it is.

A command that answers a `Job` has its address below the jobs of its module: `POST /jobs/billing/actions/run-billing` begins
one that is found at `/jobs/billing/{id}`.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from router.rest.routes import Route

JOB: Final = "Job"
"""What the platform calls something that takes longer than a request."""
_ACTIONS: Final = "/actions/"


def location(route: Route, base: str, identity: Any) -> str:
    """Where the job is found that a command began."""
    return f"{base}{route.path.partition(_ACTIONS)[0]}/{quote(str(identity), '')}"
