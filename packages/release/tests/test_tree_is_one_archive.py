"""A file system as a value has one archive, whatever order and machine it was made on."""

import io
import tarfile

from release.tree import Node, archive, read, without, write

TREE = {"b/run": Node(b"#!", executable=True), "a": Node(b"text"), "b/link": Node(target="run")}


def _entries(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {entry.name: entry for entry in tar}


def test_the_order_of_files_does_not_matter():
    assert archive(TREE) == archive(dict(reversed(TREE.items())))


def test_entries_are_sorted_of_root_and_from_1970():
    entries = _entries(archive(TREE, ["tmp"]))
    assert list(entries) == ["a", "b", "b/link", "b/run", "tmp"]
    assert {(e.uid, e.gid, e.uname, e.gname, e.mtime) for e in entries.values()} == {(0, 0, "", "", 0)}
    assert (entries["a"].mode, entries["b/run"].mode) == (0o644, 0o755)
    assert all(entries[folder].isdir() for folder in ("b", "tmp"))
    assert entries["b/link"].linkname == "run"


def test_what_is_written_is_what_is_read(tmp_path):
    write(TREE, tmp_path / "x")
    assert read(tmp_path / "x") == TREE
    assert set(read(tmp_path / "x", "usr/")) == {f"usr/{name}" for name in TREE}


def test_what_matches_a_pattern_is_left_out():
    assert set(without(TREE, ["b/r*", "c"])) == {"a", "b/link"}
