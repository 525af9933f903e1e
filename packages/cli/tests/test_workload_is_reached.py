"""A workload cluster is asked through `kubectl proxy`; what it answers, what it refuses, and what never answers."""

from __future__ import annotations

import json
import os
import socketserver
import stat
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cli import workload
from cli.workload import Workload, reached

HANGS = "/hangs"


class Answers(BaseHTTPRequestHandler):
    """An API server that keeps connections, and notes what it was asked on which."""

    protocol_version = "HTTP/1.1"
    table: dict[str, tuple[int, object]] = {}  # noqa: RUF012  # Each test sets its own.
    asked: list[tuple[str, str]] = []  # noqa: RUF012  # As above.
    ended = threading.Event()

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Impersonate-User", "")))
        if self.path == HANGS:
            self.ended.wait(10)
            return
        status, body = self.table[self.path]
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_args: object) -> None:
        """Nothing."""

    def address_string(self) -> str:
        return "a socket"


class Server(socketserver.ThreadingUnixStreamServer):
    """It counts connections."""

    daemon_threads = True
    accepted = 0

    def get_request(self):
        self.accepted += 1
        return super().get_request()


@pytest.fixture
def server(tmp_path):
    Answers.table, Answers.asked, Answers.ended = {}, [], threading.Event()
    with Server(str(tmp_path / "api"), Answers) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        Answers.ended.set()
        server.shutdown()


@pytest.fixture
def remote(server):
    remote = Workload(Path(server.server_address))
    yield remote
    remote.close()


def test_many_questions_go_over_one_connection(server, remote):
    pods = "/api/v1/namespaces/mp-default/pods"
    Answers.table = {f"{pods}?labelSelector=a%3Db": (200, {"items": [{"metadata": {"name": "p"}}]}), "/m": (200, 1)}
    assert remote.get("pods", "mp-default", "a=b") == [{"metadata": {"name": "p"}}]
    assert [remote.raw("/m") for _ in range(3)] == ["1"] * 3
    assert server.accepted == 1


def test_what_is_refused_is_no_answer_and_the_next_question_is_asked(remote):
    Answers.table = {"/none": (404, {}), "/m": (200, 1)}
    assert (remote.raw("/none"), remote.raw("/m")) == (None, "1")


def test_what_hangs_is_no_answer_and_the_next_question_is_asked(remote, monkeypatch):
    monkeypatch.setattr(workload, "_ENGINE_PATIENCE", 0.2)
    Answers.table = {"/m": (200, 1)}
    assert (remote.raw(HANGS), remote.raw("/m")) == (None, "1")


def test_a_refusal_to_list_ends_the_command_with_the_servers_words(remote, capsys):
    Answers.table = {"/api/v1/namespaces/mp-default/pods": (403, {"message": "pods is forbidden"})}
    with pytest.raises(SystemExit) as ended:
        remote.get("pods", "mp-default")
    assert ended.value.code == 4
    assert capsys.readouterr().err == "pods of namespace mp-default cannot be read: pods is forbidden\n"


@pytest.mark.parametrize(
    ("status", "answer", "allowed"),
    [(201, {"status": {"allowed": True}}, True), (201, {"status": {"allowed": False}}, False), (403, {}, False)],
)
def test_what_an_account_may_is_asked_in_its_name(remote, status, answer, allowed):
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    Answers.table = {path: (status, answer)}
    assert remote.allowed("picker", "mp-default") == allowed
    assert set(Answers.asked) == {(path, "system:serviceaccount:mp-default:picker")}


@pytest.fixture
def kubectl(tmp_path, monkeypatch):
    """A kubectl of our own: what it does is the rest of a shell script."""

    def put(script: str) -> None:
        file = tmp_path / "kubectl"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return put


def test_a_kubectl_that_cannot_log_in_ends_the_command_with_its_words(kubectl, capsys):
    kubectl("echo 'error: no such plugin' >&2; exit 1")
    with pytest.raises(SystemExit) as ended, reached("{}"):
        pytest.fail("it is not reached")
    assert (ended.value.code, capsys.readouterr().err) == (4, "error: no such plugin\n")


def test_the_proxy_ends_with_what_it_was_for(kubectl, tmp_path):
    kubectl(f"echo $$ $2 $3 > {tmp_path}/told; echo Starting to serve; exec sleep 60")
    with reached("{}"):
        pid, proxy, place = (tmp_path / "told").read_text().split()
        assert (proxy, place.startswith("--unix-socket=/")) == ("proxy", True)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
