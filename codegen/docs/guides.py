"""The guides: what rooms say of themselves in their README, as pages that lead to each other; links into the code are names only."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

OWN: Final = Path(__file__).parent / "guides"

PAGES: Final[Mapping[str, str]] = {
    "README.md": "guides/platform",
    "contracts/README.md": "guides/contracts",
    "contracts/CHANGES.md": "changes",
    "contracts/errors.md": "errors",
    "router/README.md": "guides/router",
    "router/rest/README.md": "guides/rest",
    "subgraphs/README.md": "guides/modules",
    "subgraphs/integrations/README.md": "guides/webhooks",
    "codegen/README.md": "guides/clients",
    "deploy/README.md": "guides/operating",
}
"""Which file of the repository is which page."""

_LINK: Final = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
_DIRECTIVE: Final = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """Give each page's path and text."""
    for file, page in PAGES.items():
        yield page, _page((root / file).read_text(encoding="utf-8"), file, page)
    for own in sorted(OWN.glob("*.md")):
        yield f"guides/{own.stem}", own.read_text(encoding="utf-8")


def _page(text: str, file: str, page: str) -> str:
    def link(found: re.Match[str]) -> str:
        said, target = found[1], found[2]
        if target.startswith(("http://", "https://", "mailto:")):
            return found[0]
        path, _, place = target.partition("#")
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(file), path)) if path else file
        known = next((one for one in (wanted, f"{wanted}/README.md") if one in PAGES), None)
        if known is None:
            return said
        back = posixpath.relpath(PAGES[known], posixpath.dirname(page) or ".")
        return f"[{said}]({back}.md)" if known != file or not place else said

    return _LINK.sub(link, _DIRECTIVE.sub("", text))
