"""One function call under Crossplane's rules: what it required is fetched until it asks for nothing new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kit import wire
from kit.peeked import EXPLAIN
from kit.wire import Answer, Ask, Selector

from offline.kinds import Kind, Kinds
from offline.store import Key, Object, Store, key_of

ROUNDS = 5
Look = tuple[Selector, list[Object]]


class NotComposedError(Exception):
    """Why a composite could not be composed; all that exists stays."""


class Caller:
    """Calls functions; remembers what each composite required, as Crossplane's tracker does."""

    def __init__(self, store: Store, kinds: Kinds, explain: bool = False) -> None:
        self.store = store
        self.kinds = kinds
        self._context: dict[str, Any] = {EXPLAIN: []} if explain else {}  # Crossplane never asks for explanations.
        self.moved: set[Key] = set()  # Composites that would see something else when called again.
        self._required: dict[Key, Mapping[str, Selector]] = {}
        self._answered: dict[Key, tuple[Ask, Answer, list[Look]]] = {}

    def call(self, kind: Kind, xr: Object, observed: Mapping[str, Object]) -> Answer:
        """The final answer for one reconcile of `xr`."""
        key = key_of(xr)
        seeds = self._fetched(self._required.get(key, {}))
        ask = Ask(xr, observed, seeds, self._context)
        asked, answer, looks = self._answered.get(key, (None, None, []))
        # What was only looked at is not required any more, yet the answer rests on it.
        if answer is None or asked != ask or any(self._fetch(wanted) != found for wanted, found in looks):
            looks = []
            answer = self._rounds(kind, ask, looks)
            self._answered[key] = (ask, answer, looks)
        return answer

    def settled(self, key: Key, answer: Answer) -> None:
        """Seed the next call of this composite with what it required now."""
        if self._required.get(key, {}) != answer.requirements:
            self.moved.add(key)
        self._required[key] = answer.requirements

    def _rounds(self, kind: Kind, ask: Ask, looks: list[Look]) -> Answer:
        seeds = ask.found
        required: Mapping[str, Selector] | None = None
        for attempt in range(ROUNDS + 1):
            answer = self._run(kind, ask)
            if answer.fatal or answer.requirements == required:
                return answer
            fetched = self._fetched(answer.requirements)
            looks += [(wanted, fetched[name]) for name, wanted in answer.requirements.items()]
            found = {**seeds, **fetched}
            if attempt == 0 and found == ask.found:
                return answer
            required = answer.requirements
            ask = Ask(ask.xr, ask.observed, found, answer.context)
        step = kind.step["step"]
        raise NotComposedError(
            f'cannot run Composition pipeline step "{step}": '
            f"requirements didn't stabilize after the maximum number of iterations ({ROUNDS})"
        )

    def _run(self, kind: Kind, ask: Ask) -> Answer:
        function: Callable[[Any], Any] = self.kinds.function(kind)
        try:
            return wire.run(function, ask)
        except Exception as error:  # A function that fails is a sentence, as behind gRPC.
            step = kind.step["step"]
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            raise NotComposedError(f'cannot run Composition pipeline step "{step}": {text}') from error

    def _fetched(self, required: Mapping[str, Selector]) -> dict[str, list[Object]]:
        return {name: self._fetch(selector) for name, selector in required.items()}

    def _fetch(self, wanted: Selector) -> list[Object]:
        group = wanted.api_version.rpartition("/")[0]
        if wanted.name is not None:
            one = self.store.get(Key(group, wanted.kind, wanted.namespace or "", wanted.name))
            return [one] if one and one["apiVersion"] == wanted.api_version else []
        labels = (wanted.labels or {}).items()
        return [
            value
            for value in self.store.of(group, wanted.kind)
            if value["apiVersion"] == wanted.api_version
            and wanted.namespace in (None, "", value["metadata"].get("namespace"))
            and labels <= (value["metadata"].get("labels") or {}).items()
        ]
