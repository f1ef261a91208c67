"""`./dev` sets a bare machine up, and where it can't, says why and what helps."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import http.server
import importlib.machinery
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
DEV = ROOT / "dev"
BARE = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with a root of its own and an index that nobody else named."""
    loader = importlib.machinery.SourceFileLoader("dev", str(DEV))
    spec = importlib.util.spec_from_loader("dev", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "OURS", tmp_path)
    for name in module.INDEX_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return module


def a_wheel(program: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("uv-0.data/scripts/uv", program)
    return buffer.getvalue()


class Index(http.server.BaseHTTPRequestHandler):
    """A package index with one project; which answers it gives, the test says."""

    pages: dict[str, tuple[str, bytes]]
    seen: list[str]

    def do_GET(self) -> None:
        """Answer a page, or 404."""
        self.seen.append(self.headers.get("Authorization", ""))
        kind, body = self.pages.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def index(**pages: tuple[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []
    handler = type("OneIndex", (Index,), {"pages": {f"/{path}": page for path, page in pages.items()}, "seen": seen})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pin(dev: ModuleType, monkeypatch: pytest.MonkeyPatch, wheel: bytes) -> None:
    """Let the pinned wheel of every machine be this one."""
    pinned = ("uv-1.whl", hashlib.sha256(wheel).hexdigest())
    monkeypatch.setattr(dev, "UV_WHEELS", dict.fromkeys(dev.UV_WHEELS, pinned))


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("application/vnd.pypi.simple.v1+json", b'{"files": [{"filename": "uv-1.whl", "url": "/files/uv-1.whl"}]}'),
        ("text/html", b'<a href="../../files/uv-1.whl#sha256=ff">uv-1.whl</a>'),
    ],
    ids=["json", "html"],
)
def test_uv_is_fetched_from_the_named_index_with_its_password_and_checked(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, page: bytes
) -> None:
    wheel = a_wheel(b"#!/bin/sh\necho fetched\n")
    pin(dev, monkeypatch, wheel)
    with index(**{"simple/uv/": (kind, page), "files/uv-1.whl": ("application/zip", wheel)}) as (host, seen):
        monkeypatch.setenv("UV_INDEX_URL", f"http://anna:s%40cret@{host}/simple")
        dev.fetch_uv(tmp_path / "uv")

    assert subprocess.run([tmp_path / "uv"], capture_output=True, check=True).stdout == b"fetched\n"
    assert seen == [f"Basic {base64.b64encode(b'anna:s@cret').decode()}"] * 2


def test_a_wheel_that_is_not_the_pinned_one_is_refused_and_not_kept(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(dev, monkeypatch, a_wheel(b"the real one"))
    page = b'{"files": [{"filename": "uv-1.whl", "url": "/uv-1.whl"}]}'
    with index(**{"uv/": ("application/json", page), "uv-1.whl": ("application/zip", a_wheel(b"forged"))}) as (host, _):
        monkeypatch.setenv("UV_INDEX_URL", f"http://{host}")
        with pytest.raises(dev.Trouble, match="is not the one we know"):
            dev.fetch_uv(tmp_path / "uv")

    assert list(tmp_path.iterdir()) == []


def test_an_index_without_the_wheel_is_named_without_its_password(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with index(**{"uv/": ("application/json", b'{"files": []}')}) as (host, _):
        monkeypatch.setenv("UV_INDEX_URL", f"http://anna:secret@{host}")
        with pytest.raises(dev.Trouble) as refused:
            dev.fetch_uv(tmp_path / "uv")

    assert f"http://{host}/uv/ has no uv-" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_without_network_it_says_so_and_what_helps(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("dev", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, clone / name)

    done = subprocess.run(
        [sys.executable, clone / "dev", "token"],
        env=BARE | {"UV_INDEX_URL": "http://127.0.0.1:9/simple", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "✗ http://127.0.0.1:9/simple/uv/ cannot be reached" in done.stderr
    assert (
        "→ Look at the network; behind a proxy, set HTTPS_PROXY; with an index of your own, set UV_INDEX_URL"
        in done.stderr
    )
    assert "Traceback" not in done.stderr


def test_a_full_disk_and_a_foreign_directory_are_told_apart(dev: ModuleType) -> None:
    full, foreign = (
        dev.of_disk(OSError(errno.ENOSPC, "full")),
        dev.of_disk(PermissionError(errno.EACCES, "no", "/there")),
    )

    assert "is full" in str(full)
    assert "Free some space" in str(full)
    assert "/there cannot be written" in str(foreign)


def test_an_unknown_machine_is_told_to_bring_uv_along(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev.platform, "machine", lambda: "sparc64")

    with pytest.raises(dev.Trouble, match=r"no pinned uv for linux sparc64\.\n  → Install uv"):
        dev.fetch_uv(tmp_path / "uv")


@pytest.mark.parametrize(
    ("version", "good"), [("0.13.9", True), ("0.13.12", True), ("0.13.8", False), ("0.12.99", False), ("1.0.0", False)]
)
def test_only_a_uv_of_the_pinned_generation_is_used(
    dev: ModuleType, tmp_path: Path, version: str, *, good: bool
) -> None:
    uv = tmp_path / "uv"
    uv.write_text(f"#!/bin/sh\necho 'uv {version} (somewhere)'\n", encoding="ascii")
    uv.chmod(0o755)

    assert dev.is_good(uv) is good


def test_the_environment_is_made_anew_only_when_the_lock_or_the_project_changes(
    dev: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("a", encoding="ascii")
    (tmp_path / "uv.lock").write_text("b", encoding="ascii")
    first = dev.fingerprint()
    assert dev.fingerprint() == first

    (tmp_path / "uv.lock").write_text("c", encoding="ascii")
    assert dev.fingerprint() != first


def test_it_names_its_verbs_and_refuses_others() -> None:
    told = subprocess.run([sys.executable, DEV, "help"], capture_output=True, text=True, check=True, env=BARE)
    refused = subprocess.run([sys.executable, DEV, "fly"], capture_output=True, text=True, check=False, env=BARE)

    for verb in ("run", "token", "identity", "test", "check", "codegen"):
        assert f"./dev {verb}" in told.stdout
    assert refused.returncode == 1
    assert "✗ There is no `./dev fly`." in refused.stderr


def test_it_needs_nothing_but_pythons_own_library() -> None:
    """Isolated from the environment's packages, as on a machine that has none."""
    code = f"import runpy, sys; sys.argv = ['dev', 'help']; runpy.run_path({str(DEV)!r}, run_name='__main__')"

    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_every_check_runs_even_if_one_fails_and_each_says_how_it_went(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase "$*" in *mypy*) echo "this type is wrong"; exit 1;; esac\n', encoding="ascii")
    python.chmod(0o755)
    monkeypatch.setattr(dev, "PYTHON", python)

    status = dev.check(fix=False)

    said = capsys.readouterr().err
    assert status == 1
    assert [name for name in ("format", "lint", "imports", "contracts up to date") if f"✓ {name} (" not in said] == []
    assert "✗ types (" in said
    assert "this type is wrong" in said


def test_ci_runs_both_even_if_the_first_fails(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    fake = tmp_path / "dev"
    fake.write_text('#!/bin/sh\necho "$@" >> log\n[ "$1" = test ]\n', encoding="ascii")
    fake.chmod(0o755)

    done = subprocess.run([tmp_path / ".ci" / "run"], check=False, env={**os.environ})

    assert done.returncode == 1
    assert (tmp_path / "log").read_text(encoding="ascii") == "check\ntest\n"


def test_bytecode_that_may_not_lie_beside_the_sources_lies_where_nobody_looks(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)

    dev.fill_in_environment()

    assert "PYTHONDONTWRITEBYTECODE" not in os.environ
    assert os.environ["PYTHONPYCACHEPREFIX"] == str(dev.OURS / "bytecode")
