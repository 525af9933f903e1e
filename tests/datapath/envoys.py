"""What the Envoy of a Gateway says of itself, at its administration on loopback."""

from __future__ import annotations

import subprocess

from local.datapath.network import Network
from local.testing import Kubectl


def envoy_says(kubectl: Kubectl, gateway: str, path: str) -> str:
    """The answer of the only Envoy of a Gateway that is not ending."""
    label = f"gateway.envoyproxy.io/owning-gateway-name={gateway}"
    found = kubectl.get("pods", "-n", "envoy-gateway-system", "-l", label)
    (pod,) = (p for p in found if "deletionTimestamp" not in p["metadata"])
    _, number, cluster, _ = pod["status"]["podIP"].split(".")
    namespace = Network(int(number), int(cluster)).namespace(pod["status"]["podIP"])
    asked = ["ip", "netns", "exec", namespace, "curl", "--silent", f"http://127.0.0.1:19000/{path}"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout
