"""`modelplane graph`: what composes what, for the terminal and as a picture."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from cli import svg
from cli.main import cli
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from offline.report import Node

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SVG = "{http://www.w3.org/2000/svg}"

leaves = st.builds(Node, title=st.text(min_size=1, max_size=40), ready=st.sampled_from([True, False, None]))
trees = st.recursive(
    leaves,
    lambda below: st.builds(
        Node,
        title=st.text(min_size=1, max_size=40),
        below=st.lists(below, max_size=4),
        is_cluster=st.booleans(),
    ),
    max_leaves=20,
)


def graph(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli, ["graph", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_the_terminal_shows_composites_and_counts_what_clusters_get() -> None:
    code, told, _ = graph(str(EXAMPLES / "12-from-nothing"))
    assert code == 0
    assert "ModelCache default/qwen  READY\n└── ClusterCache default/qwen-west-c751d  READY\n" in told
    assert "on cluster west: Job, Namespace, PersistentVolumeClaim, Secret\n" in told
    assert "Role, RoleBinding, 2 ServiceAccount" in told


def test_the_picture_has_a_box_for_every_object() -> None:
    code, told, _ = graph(str(EXAMPLES / "12-from-nothing"), "-o", "svg")
    assert code == 0
    texts = [text.text for text in ET.fromstring(told).iter(f"{SVG}text")]  # noqa: S314  # It is our own.
    assert {"ModelCache default/qwen", "on cluster west", "PersistentVolumeClaim mp-default/qwen-weights-e6d8c"} <= {
        *texts
    }


def test_what_is_not_placed_is_drawn_and_the_exit_code_says_so() -> None:
    code, told, why = graph(str(EXAMPLES / "03-no-room"))
    assert code == 3
    assert "NOT READY" in told
    assert "ModelDeployment" in why


def test_what_cannot_be_read_is_refused_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: [")
    code, told, why = graph(str(tmp_path), "-o", "svg")
    assert (code, told) == (2, "")
    assert "a.yaml" in why


@given(st.lists(trees, max_size=4))
def test_boxes_never_overlap_and_nothing_is_outside(nodes: list[Node]) -> None:
    picture = svg.picture(nodes)
    assert picture == svg.picture(nodes)
    root = ET.fromstring(_printable(picture))  # noqa: S314  # It is our own.
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    found = [[float(r.attrib.get(k, 0)) for k in ("x", "y", "width", "height")] for r in root.iter(f"{SVG}rect")]
    boxes = found[1:]  # The first is the ground.
    assert len(boxes) == _count(nodes)
    for x, y, w, h in boxes:
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height
    for one, other in itertools.combinations(boxes, 2):
        assert _apart(one, other)


def _apart(one: list[float], other: list[float]) -> bool:
    beside = one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
    above = one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]
    return beside or above


def _count(nodes: list[Node]) -> int:
    return sum(1 + _count(node.below) for node in nodes)


def _printable(text: str) -> str:
    """XML has no place for control characters; names in Kubernetes have none."""
    return "".join(c for c in text if c.isprintable() or c == "\n")


@pytest.mark.parametrize("option", ["pdf", ""])
def test_another_output_is_refused(option: str) -> None:
    assert graph(str(EXAMPLES / "01-standalone"), "-o", option)[0] == 2
