"""Settings: functions of yours that the router calls on the way of a request."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from router.server.config.section import Section
from router.server.config.units import Seconds

OnError = Literal["closed", "open"]


class HookSettings(Section):
    """One object with hooks."""

    path: str = Field(description="Where it is: `package.module.object`; a class is made without arguments.")
    timeout: Seconds = Field(1.0, gt=0, description="How long each of its hooks may take.")
    on_error: OnError = Field(
        "closed",
        description="Whether a hook that fails or is late ends the request (closed), or is passed over (open).",
    )
