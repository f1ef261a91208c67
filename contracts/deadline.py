"""How long somebody waits for an answer: said by the router with each request, heeded by every module."""

from __future__ import annotations

from typing import Final

DEADLINE_HEADER: Final = "x-request-timeout-ms"
"""The milliseconds that are left when the request is sent; what is answered later is for nobody."""
