"""Settings: the audit log, one line for each operation. Off unless it's switched on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from router.server.config.section import Section


class Audit(Section):
    """Who asked what, for which tenant, and what came of it."""

    enabled: bool = Field(default=False, description="Whether it's written.")
    file: Path | None = Field(None, description="Where to, as lines of JSON; into the log of the process without.")
    variables: Literal["none", "redacted", "shown"] = Field(
        "redacted",
        description="What is written of variables: nothing; their names, and the values of those in `show`; or all values "
        "but those in `never`.",
    )
    show: tuple[str, ...] = Field((), description="Names whose values are written although others are redacted.")
    never: tuple[str, ...] = Field(
        (
            "password",
            "secret",
            "token",
            "authorization",
            "credential",
            "otp",
            "apikey",
            "api_key",
            "pin",
            "iban",
            "card",
        ),
        description="A value is never written where its name, or one around it, has one of these words in it.",
    )
