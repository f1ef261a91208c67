"""From pages to a site: the sources into a folder, and Sphinx over them; nothing is loaded from elsewhere, when built or when read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from codegen.docs import events, graph, guides, rest
from codegen.docs.words import contents

CONTENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Begin here": ("guides/frontend", "guides/partners", "guides/builders"),
    "Guides": (
        "guides/platform",
        "guides/rest",
        "guides/webhooks",
        "guides/clients",
        "guides/modules",
        "guides/contracts",
        "guides/router",
        "guides/operating",
    ),
    "Reference": ("graph/index", "rest/index", "events/index", "errors", "changes"),
}

SETTINGS: Final = """\
project = "psa-platform"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_title = "psa-platform"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 3
# What is quoted may be cut short, or be no document of its language by itself; two pages may have a heading in common.
suppress_warnings = ["misc.highlighting_failure", "myst.header"]
"""


def sources(root: Path) -> Iterator[tuple[str, str]]:
    """Give every page of the site: its path, and its text in Markdown."""
    permissions = json.loads((root / "contracts/rest/permissions.json").read_text(encoding="utf-8"))
    yield from graph.pages((root / "contracts/graph/supergraph.graphql").read_text(encoding="utf-8"), permissions)
    yield from rest.pages(json.loads((root / "contracts/rest/openapi.json").read_text(encoding="utf-8")))
    yield from events.pages(json.loads((root / "contracts/events/asyncapi.json").read_text(encoding="utf-8")))
    yield from guides.pages(root)
    yield "index", _index()


def _index() -> str:
    said = "The platform on which managed service providers run their business: one graph, and every door into it."
    parts = [f"# psa-platform\n\n{said}\n"]
    for caption, pages in CONTENTS.items():
        tree = contents("", "", pages).partition("```")[2]
        parts.append(f"```{tree.replace(':maxdepth: 1', f':maxdepth: 1{chr(10)}:caption: {caption}')}")
    return "\n".join(parts)


def write(pages: Iterator[tuple[str, str]], folder: Path) -> int:
    """Write sources that Sphinx understands; return how many pages there are."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "conf.py").write_text(SETTINGS, encoding="utf-8")
    count = 0
    for path, text in pages:
        file = folder / f"{path}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        count += 1
    return count


def build(folder: Path, out: Path) -> int:
    """Have Sphinx make the site; a link that leads nowhere fails. Returns its exit status."""
    from sphinx.cmd.build import build_main  # noqa: PLC0415 - the pages can be made and looked at without it

    return build_main(["-q", "-W", "--keep-going", "-b", "html", "-d", str(folder / ".trees"), str(folder), str(out)])
