"""The one way in which planning refuses."""

from __future__ import annotations


class PlanningFailed(Exception):
    """No plan can be made for the operation; the message says why."""

    def __init__(self, message: str, code: str = "QUERY_PLANNING_FAILED") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
