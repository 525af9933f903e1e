from __future__ import annotations

import http.server
import json
import threading
from typing import ClassVar

import pytest
from local import kubeconfig, pki, ports
from local.api import Api, ApiError, Kind, UnreachableError

KIND = Kind("example.com/v1", "Thing")
DISCOVERY = {
    "resources": [
        {"name": "things/status", "kind": "Thing", "namespaced": True},
        {"name": "things", "kind": "Thing", "namespaced": True},
    ]
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers what the test put in `answers` under method and path; notes what was sent."""

    answers: ClassVar[dict[str, tuple[int, object]]] = {}
    sent: ClassVar[list[tuple[str, str, object]]] = []

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.sent.append((f"{self.command} {self.path}", self.headers.get("Content-Type"), json.loads(body or "null")))
        status, answer = self.answers.get(f"{self.command} {self.path}", (404, {"message": "not found"}))
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815  # The base class asks for these names.

    def log_message(self, *_arguments):
        """Say nothing."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return pki.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def answers():
    Handler.answers = {"GET /apis/example.com/v1": (200, DISCOVERY)}
    Handler.sent = []
    return Handler.answers


@pytest.fixture
def api(answers, certificates):  # noqa: ARG001  # The answers are there before the first request.
    with http.server.ThreadingHTTPServer(("127.0.0.1", ports.assign(["x"], {}, ())["x"]), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        client = Api(kubeconfig.make("x", f"http://127.0.0.1:{server.server_port}", certificates), "me")
        yield client
        client.close()
        server.shutdown()


def test_a_kind_that_is_not_served_has_no_objects(api, answers):
    answers.clear()
    assert api.snapshot(KIND) == ([], "")
    assert not api.serves(KIND)


@pytest.mark.parametrize("path", ["GET /apis/example.com/v1", "GET /apis/example.com/v1/things"])
def test_a_failed_look_up_is_never_an_empty_answer(api, answers, path):
    """Whoever took it for one would delete what exists."""
    answers[path] = (503, {"message": "etcd is away"})
    with pytest.raises(ApiError, match="etcd is away"):
        api.find(KIND)


def test_objects_carry_their_kind(api, answers):
    found = {"items": [{"metadata": {"name": "a"}}], "metadata": {"resourceVersion": "7"}}
    answers["GET /apis/example.com/v1/things"] = (200, found)
    assert api.snapshot(KIND) == ([{"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}}], "7")


def test_an_object_that_is_gone_is_none_and_deleting_it_is_fine(api):
    assert api.get(KIND, "a", "n") is None
    api.delete({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "n"}})


def test_apply_is_server_side_and_forced(api, answers):
    manifest = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "n"}}
    path = "PATCH /apis/example.com/v1/namespaces/n/things/a/status?fieldManager=me&force=true"
    answers[path] = (200, manifest)
    assert manifest == api.apply(manifest, "status")
    assert (path, "application/apply-patch+yaml", manifest) == Handler.sent[-1]


def test_creating_what_exists_is_told(api, answers):
    manifest = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "n"}}
    answers["POST /apis/example.com/v1/namespaces/n/things?fieldManager=me"] = (409, {"message": "exists"})
    assert not api.create(manifest)


def test_a_server_that_is_away_is_named(certificates):
    port = ports.assign(["x"], {}, ())["x"]
    client = Api(kubeconfig.make("x", f"https://127.0.0.1:{port}", certificates), "me")
    assert not client.ready()
    with pytest.raises(UnreachableError, match=f"https://127.0.0.1:{port} does not answer"):
        client.find(KIND)
