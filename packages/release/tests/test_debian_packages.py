"""Debian packages are unpacked without dpkg, and others than the pinned ones are refused."""

import hashlib
import io
import tarfile

import pytest
from release import debian, runtime
from release.debian import Package
from release.errors import ReleaseError
from release.tree import Node


def _deb(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("./lib/x.so")
        link.type, link.linkname = tarfile.SYMTYPE, "x.so.1"
        tar.addfile(link)
    members = [("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), ("data.tar.xz", out.getvalue())]
    parts = [f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data for name, data in members]
    return b"!<arch>\n" + b"".join(part + b"\n" * (len(part) % 2) for part in parts)


def test_files_and_links_stand_under_merged_usr():
    files = {"lib/x.so.1": b"elf", "usr/bin/x": b"run"}
    assert debian.unpack(_deb(**files)) == {
        "usr/lib/x.so.1": Node(b"elf", executable=True),
        "usr/bin/x": Node(b"run", executable=True),
        "usr/lib/x.so": Node(target="x.so.1"),
    }


def test_other_bytes_than_the_pinned_ones_are_refused_and_forgotten(tmp_path):
    package = Package("x", "1", "0" * 64)
    cached = tmp_path / f"{package.sha256}.deb"
    cached.write_bytes(b"other")
    with pytest.raises(ReleaseError, match=r"x 1 is not the pinned one.*release\.pin"):
        debian.fetch(package, tmp_path)
    assert not cached.exists()


def test_the_pinned_bytes_are_taken_from_the_cache(tmp_path):
    data = _deb()
    package = Package("x", "1", hashlib.sha256(data).hexdigest())
    (tmp_path / f"{package.sha256}.deb").write_bytes(data)
    assert debian.fetch(package, tmp_path) == data


def test_what_is_no_package_says_what_to_do():
    with pytest.raises(ReleaseError, match="dist/cache"):
        debian.unpack(b"<html>")


def test_every_row_of_the_runtime_is_pinned():
    shared, all_of_them = runtime.packages(), runtime.packages(runtime.FETCHING[0])
    assert all_of_them[: len(shared)] == shared
    for rows in (shared, all_of_them[len(shared) :]):
        assert [p.name for p in rows] == sorted(p.name for p in rows)
    assert all(len(p.sha256) == 64 and p.version[0].isdigit() for p in all_of_them)
