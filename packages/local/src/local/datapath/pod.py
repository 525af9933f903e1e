"""One pod, from its binding to a node until nothing is left of it."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.api import Api, ApiError, Kind
from local.datapath import environment, images, network, resolving, status, volumes
from local.datapath.container import Container, Place, now
from local.datapath.environment import UnresolvedError
from local.datapath.launch import Launch
from local.datapath.network import Network
from local.errors import LocalError
from local.processes import MARK

Manifest = dict[str, Any]
POD = Kind("v1", "Pod")
_WORDS = "/dev/termination-log"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_RETRY, _LOOK = 2.0, 30.0


@dataclass(frozen=True)
class Node:
    """What pods share: the API server, the network, the state folder and how processes are marked."""

    api: Api
    network: Network
    folder: Path
    cluster: str


class Pod:
    """A pod that is bound to one of our nodes; `publish` writes its status."""

    def __init__(self, manifest: Manifest, address: str, node: Node, on_gone: Callable[[str], None]) -> None:
        meta = manifest["metadata"]
        self.name = f"pod {meta['namespace']}/{meta['name']}"
        self.manifest = manifest
        self.address = address
        self._node = node
        self._on_gone = on_gone
        self._changed = threading.Event()
        self._ending = threading.Event()
        self._folder = node.folder / "pods" / node.cluster / meta["uid"]
        self._volumes: dict[str, Path] = {}
        self._files: dict[str, Path] = {}
        self._namespace = ""
        self._begun = now()
        self._initialized = False
        self._told: Manifest = {}
        spec = manifest["spec"]
        policy = spec.get("restartPolicy") or "Always"
        initial = "OnFailure" if policy == "Always" else policy
        self.initial = [self._container(c, c.get("restartPolicy") or initial) for c in spec.get("initContainers") or []]
        self.main = [self._container(c, policy) for c in spec["containers"]]

    def update(self, manifest: Manifest) -> None:
        """Take note of a newer state of the object."""
        self.manifest = manifest
        if manifest["metadata"].get("deletionTimestamp") and not self._ending.is_set():
            self._ending.set()
            self._changed.set()

    def run(self) -> None:
        """Live, and leave nothing behind."""
        self._until_done("network", self._attach)
        self._until_done("volumes", self._mount)
        threading.Thread(target=self._start, daemon=True).start()
        while not self._ending.is_set():
            if not self._changed.wait(_LOOK):
                self._refresh()
            self._changed.clear()
            self.publish()
        self._end()
        self.remove()
        self._on_gone(self.manifest["metadata"]["uid"])

    def publish(self) -> None:
        """Write the status when it differs from what was written last."""
        seen = self.seen()
        wanted = status.of(seen, self.manifest, now())
        if wanted == self._told:
            return
        meta = {k: self.manifest["metadata"][k] for k in ("name", "namespace", "uid")}
        try:
            self._node.api.patch({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": wanted}, "status")
        except ApiError:
            return  # It was deleted, or deleted and created again; the watch tells.
        except LocalError:
            self._changed.wait(_RETRY)
            self._changed.set()
            return
        self._told = wanted
        self.manifest = {**self.manifest, "status": {**self.manifest.get("status", {}), **wanted}}

    def seen(self) -> status.Seen:
        """What is known of it."""
        host = self._node.network.host
        return status.Seen(self.address, host, self._begun, self.initial, self.main, self._initialized)

    def kill(self) -> None:
        """End every process at once, without grace."""
        self._ending.set()
        for container in (*self.main, *self.initial):
            container.ending.set()
            container.kill(signal.SIGKILL)

    def remove(self) -> None:
        """Take away its namespace, mounts and files."""
        network.detach(self._namespace)
        network.unmount(self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _until_done(self, what: str, act: Callable[[], None]) -> None:
        while not self._ending.is_set():
            try:
                act()
                return
            except (UnresolvedError, LocalError) as e:
                waiting = {"waiting": {"reason": "ContainerCreating", "message": f"{what}: {e}"}}
                for container in (*self.initial, *self.main):
                    container.state = waiting
                self.publish()
                self._ending.wait(_RETRY)

    def _attach(self) -> None:
        self._namespace = network.attach(self._node.network, self.address)
        self.publish()

    def _mount(self) -> None:
        folders = volumes.Folders(self._folder / "volumes", self._node.folder / "volumes" / self._node.cluster)
        self._volumes = volumes.make(self.manifest, folders, self._source, self._token)
        self._files = resolving.files(self.manifest, self.address, self._node.network.host, self._folder / "etc")

    def _refresh(self) -> None:
        """ConfigMaps and Secrets that changed, as they are now."""
        with contextlib.suppress(UnresolvedError, LocalError):  # What is away keeps what it was.
            volumes.refresh(self.manifest, self._folder / "volumes", self._source)

    def _start(self) -> None:
        """Init containers one after the other, then all others; those that run on only have to start."""
        for container in self.initial:
            threading.Thread(target=container.run, daemon=True).start()
            while not self._passed(container):
                if self._ending.is_set() or (container.gone.is_set() and not container.succeeded):
                    self._changed.set()
                    return
                self._ending.wait(0.05)
        self._initialized = True
        for container in self.main:
            threading.Thread(target=container.run, daemon=True).start()
        self._changed.set()

    def _passed(self, container: Container) -> bool:
        return container.started if container.policy == "Always" else container.succeeded

    def _end(self) -> None:
        """The main containers together, then the sidecars, the last one first."""
        meta = self.manifest["metadata"]
        grace = meta.get("deletionGracePeriodSeconds")
        deadline = time.monotonic() + float(30 if grace is None else grace)
        ends = [threading.Thread(target=c.end, args=(_left(deadline),), daemon=True) for c in self.main]
        for each in ends:
            each.start()
        for each in ends:
            while each.is_alive():
                each.join(0.2)
                self.publish()
        for container in reversed(self.initial):
            container.end(_left(deadline))
        self.publish()

    def _container(self, spec: Manifest, policy: str) -> Container:
        meta = self.manifest["metadata"]
        name = f"{self._node.cluster}.{meta['namespace']}.{meta['name']}.{spec['name']}"
        return Container(
            spec=spec,
            place=Place(
                self.address,
                self._folder / "scratch" / spec["name"],
                self._node.folder / "logs" / f"{name}.log",
                self._words(spec),
                {MARK: f"{self._node.folder}:{name}"},
                self._resolve,
                self._changed,
            ),
            policy=policy,
        )

    def _resolve(self, spec: Manifest) -> Launch:
        program = images.program(spec["image"])
        if program.idle:
            return Launch(self._namespace, program.entrypoint, {"PATH": _PATH}, idle=True)
        server = {"KUBERNETES_SERVICE_HOST": self._node.network.host, "KUBERNETES_SERVICE_PORT": "443"}
        given = {**server, **environment.resolve(spec, self._addressed(), self._source)}
        base = {"PATH": _PATH, "HOME": "/", "HOSTNAME": resolving.hostname(self.manifest), **program.env}
        mounts = {m["mountPath"]: self._mounted(m) for m in spec.get("volumeMounts") or []}
        mounts[spec.get("terminationMessagePath") or _WORDS] = self._words(spec)
        security = {**(self.manifest["spec"].get("securityContext") or {}), **(spec.get("securityContext") or {})}
        user = security.get("runAsUser")
        return Launch(
            self._namespace,
            environment.command(spec, list(program.entrypoint), given),
            {**base, **given},
            {**program.files, **self._files, **mounts},
            f"{user}:{security.get('runAsGroup', user)}" if user else "",
            spec.get("workingDir") or "/",
            program.folders,
        )

    def _words(self, spec: Manifest) -> Path:
        words: Path = self._folder / "words" / spec["name"]
        return words

    def _addressed(self) -> Manifest:
        """The object with its address, which may have been read before that was written."""
        where = {"podIP": self.address, "podIPs": [{"ip": self.address}], "hostIP": self._node.network.host}
        return {**self.manifest, "status": {**self.manifest.get("status", {}), **where}}

    def _mounted(self, mount: Manifest) -> Path:
        if mount["name"] not in self._volumes:
            raise UnresolvedError(f"volumeMount {mount['name']}: the pod has no such volume")
        return self._volumes[mount["name"]] / str(mount.get("subPath") or "")

    def _source(self, kind: str, name: str) -> Manifest | None:
        return self._node.api.get(Kind("v1", kind), name, self.manifest["metadata"]["namespace"])

    def _token(self, audience: str) -> str:
        account = self.manifest["spec"].get("serviceAccountName") or "default"
        return self._node.api.token(self.manifest["metadata"]["namespace"], account, audience)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 2.0)
