"""The workload of an engine that spans nodes: groups of a leader and its workers."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

# A StatefulSet of the group adds an ordinal to the name, its pods another one, and each is a DNS label.
LONGEST_NAME = 49


def leader_worker_set(metadata: Manifest, copies: int, leader: Manifest, worker: Manifest, workers: int) -> Manifest:
    """A LeaderWorkerSet of `copies` groups, each a leader and `workers` workers."""
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": metadata,
        "spec": {
            "replicas": copies,
            # The leader waits for its workers to join, so they must not wait for it to be ready.
            "startupPolicy": "LeaderCreated",
            # There is seldom a spare group of nodes: one is replaced after the other.
            "rolloutStrategy": {
                "type": "RollingUpdate",
                "rollingUpdateConfiguration": {"maxSurge": 0, "maxUnavailable": 1, "partition": 0},
            },
            "networkConfig": {"subdomainPolicy": "Shared"},
            "leaderWorkerTemplate": {
                "size": 1 + workers,
                # A group that lost a member answers nothing: its collective operations hang.
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": leader,
                "workerTemplate": worker,
            },
        },
    }
