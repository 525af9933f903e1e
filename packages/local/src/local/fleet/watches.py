"""Watching one API server: a change sets a flag, whatever it was."""

from __future__ import annotations

import threading
from collections.abc import Collection

from local.api import Api, Kind
from local.errors import LocalError


class Watches:
    """A thread per kind, until `stop`."""

    def __init__(self, api: Api, changed: threading.Event) -> None:
        self._api = api
        self._changed = changed
        self._stopped = threading.Event()

    def start(self, kind: Kind, only: Collection[str] = ()) -> None:
        """Watch a kind; `only` these event types, if any are given."""
        threading.Thread(target=self._run, args=(kind, only), daemon=True, name=f"watch {kind.kind}").start()

    def stop(self) -> None:
        """End with the next event or time-out of each watch."""
        self._stopped.set()

    def _run(self, kind: Kind, only: Collection[str]) -> None:
        while not self._stopped.is_set():
            try:
                self._follow(kind, only)
            except (LocalError, ValueError):
                self._stopped.wait(1)

    def _follow(self, kind: Kind, only: Collection[str]) -> None:
        _, version = self._api.snapshot(kind)
        self._changed.set()
        if not version:
            self._stopped.wait(1)  # The kind is not served yet.
            return
        for event in self._api.watch(kind, version):
            if self._stopped.is_set() or event["type"] == "ERROR":
                return
            if not only or event["type"] in only:
                self._changed.set()
