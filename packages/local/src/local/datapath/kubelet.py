"""Every pod that is bound to a node of one workload cluster, run on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable

from local.api import Manifest
from local.datapath.network import Addresses
from local.datapath.pod import POD, Node, Pod
from local.errors import LocalError
from local.fleet.watches import Watches

_RETRY, _RESYNC = 2.0, 30.0
_ENDED = ("Succeeded", "Failed")


class Kubelet:
    """One for all nodes of a cluster: here they are one machine."""

    def __init__(self, node: Node, log: Callable[[str], None]) -> None:
        self._node = node
        self._log = log
        self._addresses = Addresses(node.network)
        self._pods: dict[str, Pod] = {}
        self._changed = threading.Event()
        self._gone: set[str] = set()
        self._ended = False
        Watches(node.api, self._changed).start(POD)

    def run(self) -> None:
        """Until `stop`."""
        trouble = ""
        while not self._ended:
            self._changed.clear()
            try:
                self.reconcile()
                trouble = ""
            except LocalError as e:
                if str(e) != trouble:
                    self._log(str(e))
                trouble = str(e)
            self._changed.wait(_RETRY if trouble else _RESYNC)

    def reconcile(self) -> None:
        """Start what is new, end what is deleted."""
        found = {p["metadata"]["uid"]: p for p in self._node.api.find(POD) if p["spec"].get("nodeName")}
        for uid, manifest in found.items():
            if uid in self._gone:
                continue
            if uid in self._pods:
                self._pods[uid].update(manifest)
            elif manifest["metadata"].get("deletionTimestamp"):
                self._forget(manifest)
            elif manifest.get("status", {}).get("phase") not in _ENDED:
                self._start(uid, manifest)
        for uid in set(self._pods) - set(found):
            self._pods[uid].update(_deleted(self._pods[uid].manifest))
        self._gone &= set(found)

    def stop(self) -> None:
        """Start nothing any more."""
        self._ended = True
        self._changed.set()

    def kill(self) -> None:
        """End every process of every pod at once."""
        for pod in list(self._pods.values()):
            pod.kill()

    def _start(self, uid: str, manifest: Manifest) -> None:
        pod = Pod(manifest, self._addresses.take(), self._node, self._end)
        self._pods[uid] = pod
        self._log(f"{pod.name}: started at {pod.address}")
        threading.Thread(target=pod.run, daemon=True, name=pod.name).start()

    def _end(self, uid: str) -> None:
        pod = self._pods.pop(uid)
        self._gone.add(uid)
        self._addresses.give_back(pod.address)
        self._log(f"{pod.name}: gone")
        self._forget(pod.manifest)

    def _forget(self, manifest: Manifest) -> None:
        """Nothing runs any more: the object may go."""
        meta = {k: manifest["metadata"][k] for k in ("name", "namespace", "uid")}
        try:
            self._node.api.delete({"apiVersion": "v1", "kind": "Pod", "metadata": meta}, grace=0)
        except LocalError as e:
            self._log(f"pod {meta['name']}: {e}")
            self._gone.discard(meta["uid"])


def _deleted(manifest: Manifest) -> Manifest:
    """A pod that went without waiting for us."""
    marks = {"deletionTimestamp": "now", "deletionGracePeriodSeconds": 0}
    return {**manifest, "metadata": {**manifest["metadata"], **marks}}
