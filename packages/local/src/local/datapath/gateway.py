"""Envoy alone, at the cluster's gateway address, told of routes as they change."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Callable

from local.api import Kind
from local.datapath import envoy, envoyclusters, images, network
from local.datapath.container import Container, Place
from local.datapath.launch import Launch
from local.datapath.pod import Node
from local.datapath.routing import Cluster
from local.errors import LocalError
from local.fleet.gateway import POOL, ROUTE
from local.fleet.watches import Watches
from local.processes import MARK, write

_SERVICE, _SLICE = Kind("v1", "Service"), Kind("discovery.k8s.io/v1", "EndpointSlice")
_KINDS = (ROUTE, POOL, _SERVICE, _SLICE)
_RETRY, _RESYNC = 2.0, 30.0


class Gateway:
    """One Envoy in a network namespace of its own."""

    def __init__(self, node: Node, log: Callable[[str], None]) -> None:
        self._node = node
        self._log = log
        self._folder = node.folder / "pods" / node.cluster / "gateway"
        self._config = self._folder / "config"
        self._changed = threading.Event()
        self._written: dict[str, str] = {}
        name = f"{node.cluster}.gateway.envoy"
        self.container = Container(
            spec={"name": "envoy", "image": "envoyproxy/envoy:v1.38.3"},
            place=Place(
                address=node.network.gateway,
                scratch=self._folder / "scratch",
                log=node.folder / "logs" / f"{name}.log",
                words=self._folder / "words",
                mark={MARK: f"{node.folder}:{name}"},
                resolve=lambda _: self._launch(),
                changed=threading.Event(),
            ),
            policy="Always",
        )

    def run(self) -> None:
        """Until `kill`."""
        network.attach(self._node.network, self._node.network.gateway)
        shutil.rmtree(self._config, ignore_errors=True)
        self._write("envoy", envoy.bootstrap())
        watches = Watches(self._node.api, self._changed)
        for kind in _KINDS:
            watches.start(kind)
        while not self.container.ending.is_set():
            self._changed.clear()
            if self._update() and not self.container.pid and not self.container.ending.is_set():
                self._start()
            self._changed.wait(_RESYNC if self._written.get("lds") else _RETRY)

    def kill(self) -> None:
        """End Envoy at once."""
        self.container.ending.set()
        self.container.kill(signal.SIGKILL)

    def _update(self) -> bool:
        try:
            found = [self._node.api.find(kind) for kind in _KINDS]
        except LocalError as e:
            self._log(f"gateway: {e}")
            return False
        cluster = Cluster(*found)
        # Clusters first: a listener may name none that is not known yet.
        self._write("cds", envoyclusters.clusters(cluster))
        self._write("lds", envoy.listeners(cluster))
        return True

    def _start(self) -> None:
        if self.container.restarts == 0 and "waiting" in self.container.state:
            threading.Thread(target=self.container.run, daemon=True).start()

    def _write(self, name: str, config: object) -> None:
        text = json.dumps(config, indent=1)
        if self._written.get(name) != text:
            write(self._config / f"{name}.json", text, 0o644)
            self._written[name] = text

    def _launch(self) -> Launch:
        program = images.program("envoyproxy/envoy:v1.38.3")
        where = self._node.network.namespace(self._node.network.gateway)
        words = [
            *program.entrypoint,
            "-c",
            "/etc/envoy/envoy.json",
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ]
        return Launch(where, words, {"PATH": "/usr/bin:/bin"}, {**program.files, "/etc/envoy": self._config})
