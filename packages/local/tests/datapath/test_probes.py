"""Probes against real listeners, and how many results make a verdict."""

from __future__ import annotations

import http.server
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from local.datapath import probes
from local.datapath.launch import Launch


@pytest.fixture
def health():
    """A gRPC server whose health service answers what it is asked to: the name of the service is its state."""

    def check(request, _context):
        return {b"ready": b"\x08\x01", b"busy": b"\x08\x02"}.get(request[2:], b"\x08\x01")

    method = grpc.unary_unary_rpc_method_handler(check)
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": method})])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


def run(probe, container=None):
    return probes.run({"timeoutSeconds": 2, **probe}, container or {}, "127.0.0.1", lambda *_: 0)


@pytest.mark.parametrize(("service", "passes"), [("ready", True), ("", True), ("busy", False)])
def test_grpc(health, service, passes):
    assert (run({"grpc": {"port": health, "service": service}}) == "") is passes


def test_where_nothing_listens_nothing_serves():
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    assert "refused" in run({"grpc": {"port": port}})


@pytest.mark.parametrize(("status", "passes"), [(200, True), (302, True), (399, True), (400, False), (503, False)])
def test_http_by_the_name_of_a_port(status, passes):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # The base class calls it so.
            self.send_response(status if self.path == "/health" else 500)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        container = {"ports": [{"name": "api", "containerPort": server.server_port}]}
        found = run({"httpGet": {"path": "/health", "port": "api"}}, container)
    assert (found == "") is passes


def test_tcp():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert run({"tcpSocket": {"port": listener.getsockname()[1]}}) == ""
        port = listener.getsockname()[1]
    assert "nothing listens" in run({"tcpSocket": {"port": port}})


@pytest.mark.parametrize(
    ("probe", "results", "verdicts"),
    [
        ({"failureThreshold": 2}, "+--+", [True, None, False, True]),
        ({"failureThreshold": 1, "successThreshold": 2}, "+-++", [None, False, None, True]),
        ({}, "---", [None, None, False]),
    ],
)
def test_thresholds_count_results_in_a_row(probe, results, verdicts):
    counted = probes.count(probe)
    assert verdicts == [counted.add(r == "+") for r in results]


def test_a_mount_never_leads_out_of_the_containers_root(tmp_path):
    """An absolute link in a path, such as /var/run, is resolved before the container's root stands in front of it."""
    (tmp_path / "link").symlink_to("/etc")
    launch = Launch("ns", ["true"], {}, {str(tmp_path / "link/secrets"): tmp_path})
    inside = tmp_path / "scratch" / "root"
    assert f"mkdir -p {inside}/etc/secrets" in launch.script(tmp_path / "scratch")
