"""What `prove` asks of a workload cluster, over one connection instead of one kubectl for each question."""

from __future__ import annotations

import json
from dataclasses import dataclass

import urllib3
from local.api import Api, Kind, Manifest
from local.errors import LocalError

KINDS = {
    "pods": Kind("v1", "Pod"),
    "httproutes": Kind("gateway.networking.k8s.io/v1", "HTTPRoute"),
    "inferencepools": Kind("inference.networking.k8s.io/v1", "InferencePool"),
}


@dataclass(frozen=True)
class Remote:
    """A workload cluster's API server."""

    api: Api

    def get(self, kind: str, namespace: str, labels: str = "") -> list[Manifest]:
        """The objects of a kind."""
        return self.api.find(KINDS[kind], labels, namespace)

    def raw(self, path: str) -> str | None:
        """What the API server answers at a path."""
        try:
            answer = self.api._pool.request("GET", f"{self.api.server}{path}", timeout=5.0)
        except urllib3.exceptions.HTTPError:
            return None
        return answer.data.decode() if answer.status == 200 else None

    def allowed(self, account: str, namespace: str) -> bool:
        """Whether a ServiceAccount may list pods and pools, as `kubectl auth can-i` asks."""
        return all(
            self._allowed(f"system:serviceaccount:{namespace}:{account}", namespace, group, resource)
            for group, resource in (("", "pods"), ("inference.networking.k8s.io", "inferencepools"))
        )

    def _allowed(self, user: str, namespace: str, group: str, resource: str) -> bool:
        attributes = {"namespace": namespace, "verb": "list", "group": group, "resource": resource}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        try:
            return bool(self.api._json("POST", path, review)["status"]["allowed"])
        except (LocalError, json.JSONDecodeError):
            return False
