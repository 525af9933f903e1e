"""What every version of every grant said during a race, not only what was there when somebody looked."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit import labels, names
from kit.capacity import GRANTED, read_grant
from local.testing import Kubectl

Manifest = dict[str, Any]


@contextmanager
def grants(kubectl: Kubectl, folder: Path) -> Iterator[Grants]:
    """All grants, watched by kubectl while the context lasts."""
    args = ["get", "configmaps", "-n", names.SYSTEM_NAMESPACE, "-l", labels.CAPACITY_GRANT]
    command = [kubectl.binary, f"--kubeconfig={kubectl.kubeconfig}", *args]
    file = folder / "grants.json"
    with file.open("ab") as output:
        watch = ["--watch", "--output-watch-events", "-o", "json"]
        with subprocess.Popen([*command, *watch], stdout=output) as process:
            try:
                yield Grants(file)
            finally:
                process.terminate()


@dataclass(frozen=True)
class Grants:
    """The versions of all grants so far, in a file."""

    file: Path

    def most(self) -> Counter[str]:
        """The most nodes that were ever granted at once, by cluster."""
        held: dict[str, tuple[str, int]] = {}
        most: Counter[str] = Counter()
        for event in documents(self.file.read_text()):
            manifest = event["object"]
            uid, cluster = manifest["metadata"]["uid"], manifest["metadata"]["labels"][labels.CAPACITY_GRANT]
            held.pop(uid, None)
            grant = read_grant(manifest)
            if event["type"] != "DELETED" and grant and grant.verdict == GRANTED:
                held[uid] = cluster, sum(grant.site["nodes"].values())
            most[cluster] = max(most[cluster], sum(n for c, n in held.values() if c == cluster))
        return most

    def taken_back(self) -> int:
        """How often a grant that was given stopped being one while its replica was there."""
        given: set[str] = set()
        count = 0
        for event in documents(self.file.read_text()):
            grant = read_grant(event["object"])
            if grant is None:
                continue
            if event["type"] != "DELETED" and grant.verdict == GRANTED:
                given.add(grant.uid)
            elif event["type"] != "DELETED" and grant.uid in given:
                count += 1
        return count


def documents(text: str) -> Iterator[Manifest]:
    """The JSON documents of a watch, in order."""
    decoder, at = json.JSONDecoder(), 0
    while start := text[at:].lstrip():
        at = len(text) - len(start)
        try:
            document, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            return  # The last one, cut off when the watch was stopped.
        yield document
