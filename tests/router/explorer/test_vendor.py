"""What lies in the repository is what the pinned tarball held, with the changes that are named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from router.explorer import vendor


def test_every_file_is_as_it_was_fetched() -> None:
    assert vendor.differences() == []
    assert {file.name for file in vendor.TARGET.iterdir()} == {*vendor.FILES.values(), "README.md", "SHA256SUMS"}


def test_the_readme_tells_name_version_and_digest() -> None:
    readme = (vendor.TARGET / "README.md").read_text("utf-8")
    for fact in (vendor.NAME, vendor.VERSION, vendor.INTEGRITY, "python router/explorer/vendor.py"):
        assert fact in readme


def test_a_changed_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in vendor.TARGET.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(vendor, "TARGET", tmp_path)
    monkeypatch.setattr(vendor, "SUMS", tmp_path / "SHA256SUMS")
    assert vendor.differences() == []
    (tmp_path / "json.worker.js.gz").write_bytes(gzip.compress(b"fetch('//elsewhere')"))
    (tmp_path / "LICENSE").unlink()
    assert vendor.differences() == ["LICENSE", "json.worker.js.gz"]


def test_a_tarball_with_another_digest_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = tmp_path / "registry" / vendor.NAME / "-"
    registry.mkdir(parents=True)
    (registry / f"laboratory-{vendor.VERSION}.tgz").write_bytes(b"something else")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", (tmp_path / "registry").as_uri())
    monkeypatch.setattr(vendor, "TARGET", tmp_path / "target")
    assert vendor.main([]) == 1
    assert not (tmp_path / "target").exists()


def test_a_change_that_no_longer_fits_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="0 places instead of 1 for: a row of the builder read the whole operation"):
        vendor.changed(b"another version")
