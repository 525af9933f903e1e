"""`python -m local.datapath --kubeconfig FILE …`: the kubelet of one cluster, until it is stopped."""

from __future__ import annotations

import argparse
import datetime as dt
import signal
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from local.api import Api
from local.datapath import network, relay
from local.datapath.gateway import Gateway
from local.datapath.kubelet import Kubelet
from local.datapath.loadbalancers import LoadBalancers
from local.datapath.names import Names
from local.datapath.network import Network
from local.datapath.pod import Node
from local.errors import LocalError
from local.processes import Book, stop
from local.state import cluster_number


def main() -> None:
    """Run pods until SIGTERM, then end them at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="the cluster's")
    parser.add_argument("--state", type=Path, required=True, help="the state folder")
    parser.add_argument("--network", type=int, required=True, help="N of 10.N.0.0/16")
    parser.add_argument("--cluster", required=True, help="its name: control-plane, or cluster-C")
    parser.add_argument("--envoy-alone", action="store_true", help="run an Envoy of our own as the cluster's gateway")
    chosen = parser.parse_args()
    api = Api.from_file(chosen.kubeconfig, "modelplane-kubelet")
    where = Network(chosen.network, cluster_number(chosen.cluster))
    _clean(where, chosen.state, chosen.cluster)
    network.bridge(where)
    relay.serve(where.host, 443, urlsplit(api.server).port or 443)
    node = Node(api, where, chosen.state, chosen.cluster)
    try:
        Names(api, _log).serve(where.host)
    except LocalError as e:
        sys.exit(str(e))
    kubelet, gateway = Kubelet(node, _log), Gateway(node, _log)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: kubelet.stop())
    front = gateway.run if chosen.envoy_alone else LoadBalancers(api, where, _log).run
    threading.Thread(target=front, daemon=True).start()
    kubelet.run()
    gateway.kill()
    kubelet.kill()


def _clean(where: Network, state: Path, cluster: str) -> None:
    """What a kubelet before us left: it starts anew, and its pods with it."""
    left = [r for r in Book(state).everything() if r.name.startswith(f"{cluster}.")]
    stop(left, grace=0.5)
    network.unmount(state / "pods" / cluster)
    for namespace in network.namespaces():
        if namespace.startswith(f"{where.bridge}-"):
            network.detach(namespace)


def _log(text: str) -> None:
    sys.stdout.write(f"{dt.datetime.now().astimezone().isoformat(timespec='milliseconds')} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
