"""`python -m codegen.docs --out build/docs` builds the site for readers; it can be read from the disk, without a server."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from codegen.docs import site

ROOT = Path(__file__).parents[2]


def main(*, out: Annotated[Path, typer.Option(help="Where the site is put.")] = Path("build/docs")) -> None:
    """Build the site."""
    began = time.monotonic()
    if out.exists():
        shutil.rmtree(out)
    with tempfile.TemporaryDirectory(prefix="psa-docs-") as folder:
        count = site.write(site.sources(ROOT), Path(folder))
        status = site.build(Path(folder), out)
    if status:
        raise typer.Exit(status)
    print(f"made {out}/index.html, {count} pages ({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    typer.run(main)
