"""A container that is told to end is left to it, whatever its probes say."""

from __future__ import annotations

import signal
import threading

import pytest
from local.datapath.container import Container, Place


@pytest.fixture
def container(tmp_path):
    place = Place("10.0.0.1", tmp_path, tmp_path / "log", tmp_path / "words", {}, lambda _: None, threading.Event())
    return Container({"name": "envoy", "image": "envoy"}, place, "Always")


@pytest.mark.parametrize(("ends", "sent"), [(False, [signal.SIGTERM, signal.SIGKILL]), (True, [])])
def test_a_failed_liveness_probe_ends_only_what_is_to_run(container, monkeypatch, ends, sent):
    """Envoy fails its own health check while it drains."""
    killed = []
    monkeypatch.setattr(container, "kill", killed.append)
    if ends:
        container.ending.set()
    container._on_liveness(False, "HTTP probe failed with statuscode: 503")
    assert killed == sent
