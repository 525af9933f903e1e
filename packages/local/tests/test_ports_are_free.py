from __future__ import annotations

import itertools
import os
import socket
import threading

import pytest
from local import ports


@pytest.fixture
def listener():
    """Something else that listens on a port of ours."""
    with socket.create_server(("127.0.0.1", ports.assign(["x"], {}, ())["x"])) as server:
        yield server.getsockname()[1]


def test_every_name_gets_a_port_of_its_own_below_the_ephemeral_ones():
    """Ports above 32767 are handed out by the kernel to anybody."""
    names = [f"p{i}" for i in range(40)]
    given = ports.assign(names, {}, ())
    assert set(names) == set(given)
    assert len(names) == len(set(given.values()))
    assert all(1024 < port < 32768 for port in given.values())


def test_a_recorded_port_is_kept_while_it_is_free():
    given = ports.assign(["a", "b"], {}, ())
    assert given == ports.assign(["a", "b"], given, ())


def test_a_port_that_a_stranger_took_is_given_up(listener):
    assert listener != ports.assign(["a"], {"a": listener}, ())["a"]


def test_a_port_that_our_own_process_holds_is_kept(listener):
    assert {"a": listener} == ports.assign(["a"], {"a": listener}, {"a"})


def test_a_new_name_never_gets_a_recorded_port():
    recorded = {f"old{i}": port for i, port in enumerate(range(20000, 31990))}
    assert ports.assign(["new"], recorded, ())["new"] >= 31990


def test_a_listener_answers_and_a_free_port_does_not(listener):
    assert ports.answers(listener)
    assert not ports.is_free(listener)
    free = ports.assign(["x"], {}, ())["x"]
    assert ports.is_free(free)
    assert not ports.answers(free)


def test_a_port_that_nobody_listens_on_is_waited_for():
    """Connections of a server that was killed hold its port for a moment; kubeconfigs name it, so it is kept."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    port = held.getsockname()[1]
    threading.Timer(0.3, held.close).start()
    assert ports.assign(["apiserver"], {"apiserver": port}, []) == {"apiserver": port}


def test_two_processes_that_start_at_the_same_moment_take_other_ports(monkeypatch):
    """None of them listens yet, so both find the same ports free."""
    names, mine = [f"p{n}" for n in range(60)], os.getpid()
    given = []
    for pid in range(mine, mine + 4):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        monkeypatch.setattr(ports, "_calls", itertools.count())
        given += ports.assign(names, {}, ()).values()
    assert len(set(given)) == len(given)
