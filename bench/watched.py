"""What every version of every grant said during a race, not only what was there when somebody looked."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit import labels, names
from kit.capacity import GRANTED, Grant, read_grant
from local.testing import Kubectl

Manifest = dict[str, Any]


@contextmanager
def grants(kubectl: Kubectl, folder: Path) -> Iterator[Grants]:
    """All grants, watched by kubectl while the context lasts, anew whenever the API server was gone."""
    args = ["get", "configmaps", "-n", names.SYSTEM_NAMESPACE, "-l", labels.CAPACITY_GRANT]
    watching = ["--watch", "--output-watch-events", "-o", "json"]
    command = [kubectl.binary, f"--kubeconfig={kubectl.kubeconfig}", *args, *watching]
    watched, ended = Grants([]), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            file = folder / f"grants-{len(watched.files)}.json"
            with (
                file.open("ab") as output,
                subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL) as process,
            ):
                watched.files.append(file)
                while process.poll() is None and not ended.wait(0.2):
                    pass
                process.terminate()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield watched
    finally:
        ended.set()
        thread.join()


@dataclass(frozen=True)
class Grants:
    """The versions of all grants so far, in a file for each watch; what is deleted between two watches is not told."""

    files: list[Path]

    def most(self) -> Counter[str]:
        """The most nodes that were ever granted at once, by cluster."""
        most: Counter[str] = Counter()
        for held in self._versions():
            now: Counter[str] = Counter()
            for cluster, nodes in held.values():
                now[cluster] += nodes
            most |= now
        return most

    def holders(self) -> set[str]:
        """The uids of the replicas that have a grant now."""
        return set(deque(self._versions(), maxlen=1).pop())

    def _versions(self) -> Iterator[dict[str, tuple[str, int]]]:
        """After each change of a grant: cluster and nodes by the uid of the replica that holds them."""
        held: dict[str, tuple[str, int]] = {}
        yield held
        for file in list(self.files):
            held.clear()
            for event in documents(file.read_text()):
                grant = read_grant(event["object"])
                if grant is None:
                    continue
                held.pop(grant.uid, None)
                if event["type"] != "DELETED" and grant.verdict == GRANTED:
                    cluster = event["object"]["metadata"]["labels"][labels.CAPACITY_GRANT]
                    held[grant.uid] = cluster, sum(grant.site["nodes"].values())
                yield held

    def _events(self) -> Iterator[tuple[str, Grant]]:
        read = ((e["type"], read_grant(e["object"])) for file in list(self.files) for e in documents(file.read_text()))
        return ((type, grant) for type, grant in read if grant)

    def written(self) -> str:
        """How often a grant was created, changed or deleted, by what it said."""
        counted = Counter(f"{type.capitalize()} {grant.verdict}" for type, grant in self._events())
        return ", ".join(f"{what} {count}" for what, count in sorted(counted.items()))

    def taken_back(self) -> int:
        """How often a grant that was given stopped being one while its replica was there."""
        given: set[str] = set()
        count = 0
        for type, grant in self._events():
            if type != "DELETED" and grant.verdict == GRANTED:
                given.add(grant.uid)
            elif type != "DELETED" and grant.uid in given:
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
