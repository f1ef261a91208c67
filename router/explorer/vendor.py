"""Fetch the pinned query editor from the npm registry, verify it, and lay out the few files that the page needs.

`python router/explorer/vendor.py` fetches; with `--check` it stays offline and compares what is laid out with the sums
that were written when it was fetched. It needs neither Node nor a package: a tarball is a `.tgz` with a known SHA-512.

The files are kept compressed: browsers take them as they are, and the repository stays small. The sums are those of
the contents, because two versions of zlib may compress the same bytes differently.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import sys
import tarfile
import urllib.request
from pathlib import Path
from types import MappingProxyType

NAME = "@graphql-hive/laboratory"
VERSION = "0.3.0"
INTEGRITY = "sha512-3xkPZy3eEoNW7bTtKs+Xr+Xh1NtqtQkyWUCqDIYyOtV9g6uuTJbtQc3XARpGUZRuVX4XxdPS0OM90+4Wbg5Nuw=="

# The tarball's name for a file, and ours. Left out: the builds for bundlers, the type declarations, and the TypeScript
# worker (12 MB), which only serves scripts that run before a request; our page does not offer them.
FILES = MappingProxyType(
    {
        "package/LICENSE": "LICENSE",
        "package/dist/hive-laboratory.umd.js": "laboratory.js.gz",
        "package/dist/monacoeditorwork/editor.worker.bundle.js": "editor.worker.js.gz",
        "package/dist/monacoeditorwork/graphql.worker.bundle.js": "graphql.worker.js.gz",
        "package/dist/monacoeditorwork/json.worker.bundle.js": "json.worker.js.gz",
    }
)
TARGET = Path(__file__).parent / "static" / "laboratory"
SUMS = TARGET / "SHA256SUMS"


def main(arguments: list[str]) -> int:
    """Fetch, or only check; say what was done."""
    match arguments:
        case []:
            return _say(_fetch())
        case ["--check"]:
            return _say(differences())
        case _:
            return _say(["usage: vendor.py [--check]"])


def differences() -> list[str]:
    """What is laid out otherwise than it was fetched; nothing when all is well."""
    lines = (line.split("  ", 1) for line in SUMS.read_text("utf-8").splitlines())
    promised = {name: digest for digest, name in lines}
    if set(promised) != set(FILES.values()):
        return [f"{SUMS.name} names other files than this script"]
    return [name for name, digest in promised.items() if _digest(TARGET / name) != digest]


def _fetch() -> list[str]:
    tarball = _download()
    digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode("ascii")
    if f"sha512-{digest}" != INTEGRITY:
        return [f"{NAME} {VERSION} from the registry is not the one that is pinned; nothing was written"]
    TARGET.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        for source, name in FILES.items():
            _lay_out(archive, source, TARGET / name)
    sums = [f"{_digest(TARGET / name)}  {name}" for name in sorted(FILES.values())]
    SUMS.write_text("\n".join(sums) + "\n", "utf-8")
    return []


def _download() -> bytes:
    registry = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
    url = f"{registry}/{NAME}/-/{NAME.rpartition('/')[2]}-{VERSION}.tgz"
    with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310 - the registry is the operator's own setting
        body: bytes = answer.read()
    return body


def _lay_out(archive: tarfile.TarFile, source: str, target: Path) -> None:
    member = archive.extractfile(source)
    if member is None:
        raise FileNotFoundError(source)
    content = member.read()
    # No timestamp, so that the same file is the same bytes tomorrow.
    target.write_bytes(gzip.compress(content, compresslevel=9, mtime=0) if target.suffix == ".gz" else content)


def _digest(file: Path) -> str:
    content = file.read_bytes() if file.exists() else b""
    return hashlib.sha256(gzip.decompress(content) if file.suffix == ".gz" and content else content).hexdigest()


def _say(problems: list[str]) -> int:
    for problem in problems or [f"{NAME} {VERSION}: as pinned"]:
        sys.stdout.write(problem + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
