"""How far the weights are, read from the Job, the claim and the Pod as their cluster shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from kit import conditions

from compose_cluster_cache import causes

Manifest = dict[str, Any]

PENDING, HYDRATING, READY, FAILED = "Pending", "Hydrating", "Ready", "Failed"
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Phase:
    """One of the four phases, and a sentence without its full stop."""

    name: str
    message: str
    is_step: bool = False
    """Whether that is how it goes when all is well."""


def of_job(job: Manifest) -> Phase:
    """What a hydration Job says."""
    if conditions.find(job, "Complete").get("status") == "True":
        return Phase(READY, "holds the weights")
    failed = conditions.find(job, "Failed")
    if failed.get("status") == "True":
        return Phase(FAILED, causes.told_by(str(failed.get("message") or "the Job failed")))
    status = job.get("status") or {}
    if status.get("ready"):
        return Phase(HYDRATING, "weights are being fetched", is_step=True)
    if status.get("failed"):
        return Phase(HYDRATING, "fetching was interrupted and goes on by itself")
    return Phase(HYDRATING, "fetching begins as soon as its pod runs", is_step=True)


def of_resolver(pod: Manifest) -> Phase:
    """What the Pod says that looks for the commit, until it has found it."""
    container = _container(pod)
    if (pod.get("status") or {}).get("phase") == FAILED:
        return Phase(FAILED, f"the commit could not be looked up: {_last_words(container) or 'its pod was ended'}")
    if words := _last_words(container):
        return Phase(FAILED, words)
    waiting = (container.get("state") or {}).get("waiting") or {}
    if waiting.get("message"):
        return Phase(PENDING, f"the commit is looked up as soon as its pod runs: {str(waiting['message']).rstrip('.')}")
    return Phase(PENDING, "the commit is being looked up", is_step=True)


def commit_of(pod: Manifest) -> str:
    """The commit that the Pod has found; empty until it has."""
    ended = (_container(pod).get("state") or {}).get("terminated") or {}
    found = str(ended.get("message") or "").strip()
    return found if ended.get("exitCode") == 0 and _COMMIT.fullmatch(found) else ""


def failed_at(seen: Manifest) -> str:
    """When a Job or Pod was given up; empty when it was not."""
    if (seen.get("status") or {}).get("phase") == FAILED:
        return str(conditions.find(seen, "Ready").get("lastTransitionTime") or "")
    failed = conditions.find(seen, "Failed")
    return str(failed.get("lastTransitionTime") or "") if failed.get("status") == "True" else ""


def is_commit(revision: str) -> bool:
    """Whether there is nothing to look up."""
    return bool(_COMMIT.fullmatch(revision))


def _container(pod: Manifest) -> Manifest:
    found = (pod.get("status") or {}).get("containerStatuses") or [{}]
    return found[0] if isinstance(found[0], dict) else {}


def _last_words(container: Manifest) -> str:
    """Why it ended the last time, if that was not well."""
    for state in ("state", "lastState"):
        ended = (container.get(state) or {}).get("terminated") or {}
        if ended.get("exitCode"):
            code = int(ended["exitCode"])
            return causes.SENTENCES.get(code) or " ".join(str(ended.get("message") or f"exit code {code}").split())
    return ""
