"""Settings: what clients read of the errors of subgraphs; the keys are Apollo's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from pydantic import Field, model_validator

from router.executor.redaction import Redaction, Shown
from router.server.config.section import Section


class Lists(Section):
    """Which extensions are shown; none, without a list."""

    allow_extensions_keys: tuple[str, ...] | None = Field(None, description="The only extensions that are shown.")
    deny_extensions_keys: tuple[str, ...] | None = Field(None, description="The only extensions that are hidden.")

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if self.allow_extensions_keys is not None and self.deny_extensions_keys is not None:
            raise ValueError("extensions are either allowed or denied: leave one of the two lists out")
        return self


class ErrorsOfAll(Lists):
    """What is shown of every error."""

    redact_message: bool = Field(default=True, description="Whether messages are hidden.")

    def redaction(self) -> Redaction:
        """Return what the executor applies."""
        return _redaction(self.redact_message, _joined(self.allow_extensions_keys), _joined(self.deny_extensions_keys))


class ErrorsOfOne(Lists):
    """What is shown of one subgraph's errors; its lists are added to those for all."""

    redact_message: bool | None = Field(None, description="Whether messages are hidden; as for all, when absent.")
    exclude_global_keys: tuple[str, ...] = Field((), description="What the list for all says, and not for this one.")

    def beside(self, of_all: bool | ErrorsOfAll | None) -> Redaction:  # noqa: FBT001 - a setting
        """Return what the executor applies."""
        common = of_all if isinstance(of_all, ErrorsOfAll) else ErrorsOfAll(redact_message=of_all is not True)
        message = common.redact_message if self.redact_message is None else self.redact_message
        without = self.exclude_global_keys
        allow = _joined(common.allow_extensions_keys, without, self.allow_extensions_keys)
        return _redaction(message, allow, _joined(common.deny_extensions_keys, without, self.deny_extensions_keys))


Keys = tuple[str, ...] | None


def _joined(common: Keys, without: Iterable[str] = (), own: Keys = None) -> frozenset[str] | None:
    if common is None and own is None:
        return None
    return frozenset(common or ()) - frozenset(without) | frozenset(own or ())


def _redaction(message: bool, allow: frozenset[str] | None, deny: frozenset[str] | None) -> Redaction:  # noqa: FBT001 - a setting
    if allow is None and deny is None:
        return Redaction(message, frozenset())
    return Redaction(message, allow, deny or frozenset())


class SubgraphErrors(Section):
    """What clients read of the errors of subgraphs. When absent: what has a code that the subgraph chose."""

    all: bool | ErrorsOfAll | None = Field(
        None, description="All of them, none, or parts; decided by the code, when absent."
    )
    subgraphs: dict[str, bool | ErrorsOfOne] = Field(default_factory=dict, description="The same for one subgraph.")

    def for_all(self) -> Shown:
        """Return what holds where a subgraph has nothing of its own."""
        return self.all.redaction() if isinstance(self.all, ErrorsOfAll) else self.all

    def by_service(self) -> Mapping[str, Shown]:
        """Return what holds for single subgraphs."""
        return {
            name: one.beside(self.all) if isinstance(one, ErrorsOfOne) else one for name, one in self.subgraphs.items()
        }
