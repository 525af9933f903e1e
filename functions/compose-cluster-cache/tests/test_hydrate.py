"""What the Job does, with the real huggingface_hub against a server that speaks the hub's API.

Each run is a process of its own, as in a pod: huggingface_hub reads its environment when it is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from compose_cluster_cache import causes
from hub import COMMIT, FILES, REPO, TOKEN, Hub, served

CHUNK = 10_000_000
OTHER = "89abcdef0123456789abcdef0123456789abcdef"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with served(Hub()) as running:
        yield running


class Pod:
    """One volume, and what was said last beside it."""

    def __init__(self, folder: Path) -> None:
        self.volume, self.log = folder / "models", folder / "termination-log"
        self.volume.mkdir()
        self.log.touch()

    def start(self, command: str, hub: Hub, **environment: str) -> subprocess.Popen[str]:
        given = {
            "PATH": os.environ["PATH"],
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(self.volume.parent / "home"),
            "HF_HUB_DISABLE_XET": "1",
            "MODELPLANE_REPO": REPO,
            "MODELPLANE_REVISION": COMMIT,
            "MODELPLANE_VOLUME": str(self.volume),
            "TERMINATION_LOG": str(self.log),
        }
        argv = [sys.executable, "-m", "compose_cluster_cache.hydrate", command]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, env={**given, **environment}, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    def run(self, command: str, hub: Hub, **environment: str) -> int:
        """The exit code."""
        running = self.start(command, hub, **environment)
        self.printed, _ = running.communicate()
        return running.returncode

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def files(self) -> dict[str, bytes]:
        return {name: (self.volume / name).read_bytes() for name in FILES if (self.volume / name).exists()}

    @property
    def parts(self) -> list[Path]:
        """Files that were not fetched to their end."""
        return list(self.volume.glob(".cache/**/*.incomplete"))


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_a_branch_is_the_commit_that_the_hub_says(hub: Hub, pod: Pod) -> None:
    assert pod.run("resolve", hub, MODELPLANE_REVISION="main") == 0
    assert pod.said == COMMIT


def test_a_volume_that_is_for_a_commit_already_decides(hub: Hub, pod: Pod) -> None:
    """The branch may have moved since: what is mounted stays."""
    assert pod.run("fetch", hub) == 0
    hub.revision = OTHER
    assert pod.run("resolve", hub, MODELPLANE_REVISION="main") == 0
    assert pod.said == COMMIT


def test_every_file_is_fetched_and_anybody_may_write_beside_them(hub: Hub, pod: Pod) -> None:
    assert pod.run("fetch", hub) == 0, pod.printed
    assert pod.files == FILES
    assert (pod.volume / "config.json").stat().st_mode & 0o777 == 0o666


def test_once_more_fetches_nothing(hub: Hub, pod: Pod) -> None:
    assert pod.run("fetch", hub) == 0
    hub.sent.clear()
    assert pod.run("fetch", hub) == 0
    assert hub.sent == []


def test_a_line_that_breaks_is_taken_up_where_it_was(hub: Hub, pod: Pod) -> None:
    """huggingface_hub writes ten megabytes at a time: at most so many are fetched twice."""
    hub.cut_at = 15_000_000
    assert pod.run("fetch", hub) == 0, pod.printed
    assert pod.files == FILES
    assert [start >= CHUNK for start in starts(hub)] == [False, True]


def test_after_a_pod_that_was_killed_the_next_one_fetches_what_is_not_whole(hub: Hub, pod: Pod) -> None:
    """Whole files stay; of the others nothing is left over that would fill the volume."""
    hub.cut_at, hub.hang = 15_000_000, True
    killed = pod.start("fetch", hub)
    assert hub.hung.wait(60)
    while "config.json" not in pod.files or not pod.parts:
        time.sleep(0.05)
    killed.kill()
    killed.communicate()
    assert pod.parts
    assert pod.run("fetch", hub) == 0, pod.printed
    assert pod.files == FILES
    assert pod.parts == []
    assert [name for name, *_ in hub.sent].count("config.json") == 1


def starts(hub: Hub) -> list[int]:
    """From which byte on the large file was asked for, each time."""
    return [start for name, start, _ in hub.sent if name == "model.safetensors"]


@pytest.mark.parametrize(
    ("broken", "environment", "code"),
    [
        pytest.param({"gated": True}, {}, causes.REFUSED, id="gated"),
        pytest.param({"private": True}, {"HF_TOKEN": "expired"}, causes.NOT_FOUND, id="private"),
        pytest.param({}, {"MODELPLANE_REPO": "acme/nothing"}, causes.NOT_FOUND, id="repository"),
        pytest.param({}, {"MODELPLANE_REVISION": OTHER}, causes.NOT_FOUND, id="revision"),
    ],
)
def test_what_a_person_must_do_is_the_exit_code_and_the_last_word(
    hub: Hub, pod: Pod, broken: dict[str, bool], environment: dict[str, str], code: int
) -> None:
    vars(hub).update(broken)
    assert pod.run("fetch", hub, **environment) == code, pod.printed
    assert pod.said == causes.SENTENCES[code]


def test_with_the_right_token_it_is_there(hub: Hub, pod: Pod) -> None:
    hub.private = hub.gated = True
    assert pod.run("fetch", hub, HF_TOKEN=TOKEN) == 0, pod.printed
    assert TOKEN not in pod.printed


def test_a_hub_that_does_not_answer_is_tried_again(pod: Pod) -> None:
    """By another pod of the Job: the exit code is none of the causes."""
    assert pod.run("fetch", Hub(endpoint="http://127.0.0.1:1")) == 1
    assert pod.said


def test_a_volume_for_other_weights_is_not_touched(hub: Hub, pod: Pod) -> None:
    (pod.volume / ".modelplane-cache.json").write_text(json.dumps({"repo": REPO, "revision": OTHER}))
    assert pod.run("fetch", hub) == causes.OTHER
    assert pod.files == {}


def test_a_volume_that_is_too_small_is_seen_before_anything_is_fetched(hub: Hub, pod: Pod) -> None:
    """A small file system stands for a small volume, where this user may mount one."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(pod.volume)], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        assert pod.run("fetch", hub) == causes.FULL
        assert hub.sent == []
    finally:
        subprocess.run(["umount", str(pod.volume)], check=True)
