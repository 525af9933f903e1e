"""Whoever watches the fleet notices what was lost for a moment; a cut wire passes nothing and loses nothing."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import pytest
from local.api import Kind
from matrix.recorder import Recorder
from matrix.wire import Wire

POD = Kind("v1", "Pod")


def pod(uid: str, starts: int = 0, **metadata: str) -> dict:
    labels = {"modelplane.ai/tenant": "default"}
    status = {"containerStatuses": [{"restartCount": starts}]}
    return {"metadata": {"name": "qwen-0", "uid": uid, "labels": labels, **metadata}, "status": status}


@pytest.fixture
def seen() -> Recorder:
    recorder = Recorder()
    recorder._see("west", POD, pod("a", starts=3), deleted=False)
    return recorder


def test_what_is_still_there_is_not_lost(seen: Recorder) -> None:
    before = seen.now()
    seen._see("west", POD, pod("a", starts=3), deleted=False)
    assert (seen.lost(before), seen.added(before)) == ([], [])


@pytest.mark.parametrize(
    ("manifest", "deleted", "want"),
    [
        pytest.param(pod("a", starts=3), True, "Pod/qwen-0 on west was deleted", id="deleted"),
        pytest.param(pod("a", deletionTimestamp="now"), False, "Pod/qwen-0 on west was deleted", id="being-deleted"),
        pytest.param(pod("a", starts=4), False, "Pod/qwen-0 on west was restarted", id="restarted"),
    ],
)
def test_a_loss_is_told(seen: Recorder, manifest: dict, deleted: bool, want: str) -> None:
    before = seen.now()
    seen._see("west", POD, manifest, deleted)
    assert seen.lost(before) == [want]


def test_another_one_of_the_same_name_is_another_one(seen: Recorder) -> None:
    """Deleted and created again while its API server was away."""
    before = seen.now()
    seen._list("west", SimpleNamespace(snapshot=lambda _kind: ([pod("b")], "7")), POD)
    assert seen.lost(before) == ["Pod/qwen-0 on west was deleted"]
    assert [str(t) for t in seen.added(before)] == ["Pod/qwen-0 on west"]


def test_what_is_nobodys_is_not_watched() -> None:
    recorder = Recorder()
    stranger = {"metadata": {"name": "other", "uid": "o"}}
    recorder._see("west", POD, stranger, deleted=False)
    assert not recorder.now()


def test_a_cut_wire_holds_what_is_sent_until_it_is_mended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = Wire(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", wire.listens)) as near:
            far, _ = server.accept()
            with far:
                wire.cut()
                near.sendall(b"held")
                far.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    far.recv(4)
                threading.Timer(0.1, wire.mend).start()
                far.settimeout(10)
                assert far.recv(4) == b"held"
        wire.close()
