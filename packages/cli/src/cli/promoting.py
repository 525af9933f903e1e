"""Take a promotion step by step to its end, or back: read, decide, do one thing, and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
from replay import trace
from replay.figures import Objective
from replay.trace import Request

from cli import benching, kubectl, targets
from cli.gates import Gates, Limits
from cli.promotion import Note, Promotion, RefusedError, noted
from cli.prove import Plane
from cli.shifting import Done, Gate, Plan, Scale, State, Step, Wait, Weigh, next_step
from cli.traffic import Traffic, traffic

FINDING, INTERRUPTED = 1, 130
_LOOK_AGAIN = 1.0
Say = Callable[[str], None]


class StuckError(Exception):
    """The fleet does not get where it was asked to be."""


@dataclass
class Run:
    """One run of the command, forward or back."""

    promotion: Promotion
    plan: Plan
    patience: float
    say: Say
    gates: Gates | None = None
    passed: frozenset[Gate] = frozenset()

    def to_the_end(self) -> str:
        """Why it went no further; empty when all is done."""
        while True:
            state = replace(self.promotion.state(), passed=self.passed)
            step = next_step(self.plan, state)
            if isinstance(step, Done):
                return ""
            if isinstance(step, Gate):
                reason = self._gate(step)
                if reason:
                    return reason
                continue
            try:
                self._do(step, state)
            except StuckError as e:
                if self.plan.back:
                    raise
                return str(e)

    def _gate(self, step: Gate) -> str:
        self.say(f"gate {step.when} md/{self.promotion.new} {_CALLED[step.when]} with {_replicas(step.replicas)}")
        reason = self.gates.look(step) if self.gates else ""
        if not reason:
            self.passed |= {step}
        return reason

    def _do(self, step: Step, state: State) -> None:
        names = {"old": self.promotion.old, "new": self.promotion.new}
        if isinstance(step, Wait):
            self._until(f"md/{names[step.side]} has {_replicas(_wanted(state, step.side))}", step)
        if isinstance(step, Scale):
            self.say(f"md/{names[step.side]}: {_replicas(step.replicas)}")
            self.promotion.act(step)
        if isinstance(step, Weigh):
            self.say(
                f"ms/{self.promotion.service}: weight {step.old} for {names['old']}, {step.new} for {names['new']}"
            )
            self.promotion.act(step)
            self._wait("its route follows", self.promotion.follows)

    def _until(self, what: str, step: Step) -> None:
        self._wait(what, lambda: next_step(self.plan, replace(self.promotion.state(), passed=self.passed)) != step)

    def _wait(self, what: str, met: Callable[[], bool]) -> None:
        self.say(f"  waiting until {what}")
        end = time.monotonic() + self.patience
        while not met():
            if time.monotonic() > end:
                raise StuckError(f"waited {self.patience:.0f} s in vain until {what}: see `kubectl describe` of it")
            time.sleep(_LOOK_AGAIN)


_CALLED = {"before": "is called", "after": "was called"}


def _wanted(state: State, side: str) -> int:
    return (state.old if side == "old" else state.new).wanted


def _replicas(number: int) -> str:
    return "1 replica" if number == 1 else f"{number} replicas"


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    plane: Plane
    new: str
    timeout: float
    patience: float
    key: str
    old: str = ""
    service: str = ""
    file: Path | None = None
    gate_seconds: float = 10.0
    tolerance: float = 0.25
    errors: int = 0
    slo_ttft: float = 1.0
    slo_itl: float = 0.05

    def requests(self) -> list[Request]:
        """Those that gates look by, as many as come in the busiest part."""
        return trace.busiest(benching.requests(self.file, None), self.gate_seconds) if self.file else []


def promote(settings: Settings, say: Say) -> int:
    """Forward to the end, or all the way back; the exit code."""
    requests = settings.requests()
    promotion = names(settings.plane, settings.new, settings.old, settings.service)
    service = targets.find(settings.plane, settings.service, settings.key)
    note = _begun(promotion, say)
    if note.plan.back:
        say(f"Rolling back first, as was begun: {note.reason}")
    with traffic(service.target, _few(requests), settings.timeout) as flow:
        limits = Limits(settings.tolerance, settings.errors, Objective(settings.slo_ttft, settings.slo_itl))
        gates = Gates(promotion, service, requests, limits, settings.timeout, flow, say)
        reason = note.reason or Run(promotion, note.plan, settings.patience, say, gates).to_the_end()
        if reason:
            say(f"NOT PROMOTED: {reason}\nRolling back.")
            _back(promotion, note, settings.patience, say, reason)
    say(_sent(flow))
    end = f"All is as before. The reason was: {reason}" if reason else f"{settings.new} has all of {settings.service}."
    say(end)
    return FINDING if reason else 0


def rollback(settings: Settings, say: Say) -> int:
    """All the way back; the exit code."""
    requests = settings.requests()
    name = _plain(settings.new, _MD, "md/NAME")
    note = noted(settings.plane, name)
    if note is None:
        say(f"md/{name} has not been promoted: there is nothing to roll back.")
        return 0
    promotion = Promotion(settings.plane, note.old, name, note.service)
    if not requests:
        _back(promotion, note, settings.patience, say, note.reason or "it was asked for")
        say("All is as before.")
        return 0
    service = targets.find(settings.plane, f"ms/{note.service}", settings.key)
    with traffic(service.target, _few(requests), settings.timeout) as flow:
        _back(promotion, note, settings.patience, say, note.reason or "it was asked for")
    say(_sent(flow))
    say("All is as before.")
    return FINDING if sum(flow.errors.values()) > settings.errors else 0


_FEW = 20


def _few(requests: Sequence[Request]) -> Sequence[Request]:
    """Enough to see a loss, too few to be a load."""
    return requests[:: len(requests) // _FEW or 1]


def _sent(flow: Traffic) -> str:
    lost = ", ".join(f"{n} times {error}" for error, n in flow.errors.most_common())
    return f"{len(flow.outcomes)} requests were sent through the service meanwhile, {lost or 'none'} lost."


def _begun(promotion: Promotion, say: Say) -> Note:
    """The note of a promotion: the one that is there, or a new one."""
    found = noted(promotion.plane, promotion.new)
    if found is None:
        found = Note(promotion.old, promotion.service, promotion.begin())
        promotion.write(found)
        return found
    if (found.old, found.service) != (promotion.old, promotion.service):
        told = f"it was begun from md/{found.old} behind ms/{found.service}; go on with these, or roll it back first"
        raise RefusedError(f"md/{promotion.new} is being promoted already: {told}")
    say(f"Going on with the promotion of md/{promotion.new}")
    return found


def _back(promotion: Promotion, note: Note, patience: float, say: Say, reason: str) -> None:
    """All the way; the note goes when it is done."""
    promotion.write(replace(note, plan=note.plan.turned(), reason=reason))
    Run(promotion, note.plan.turned(), patience, say).to_the_end()
    promotion.write(None)


def sentences(command: str, run: Callable[[], int]) -> None:
    """Ends the command; every way it ends is a sentence."""
    try:
        sys.exit(run())
    except RefusedError as e:
        click.echo(str(e), err=True)
        sys.exit(targets.INVALID)
    except StuckError as e:
        click.echo(f"{e}\nNothing is lost: `{command}` goes on from here.", err=True)
        sys.exit(kubectl.UNREACHABLE)
    except KeyboardInterrupt:
        click.echo(f"\nStopped between two steps. `{command}` goes on, `modelplane rollback` goes back.", err=True)
        sys.exit(INTERRUPTED)


def names(plane: Plane, new: str, old: str, service: str) -> Promotion:
    """The promotion that the arguments mean."""
    found = Promotion(plane, _plain(old, _MD, "md/NAME"), _plain(new, _MD, "md/NAME"), _plain(service, _MS, "ms/NAME"))
    if found.old == found.new:
        raise RefusedError(f"--from {old}: it is the deployment that is to be promoted; name the one that serves now")
    return found


def _plain(text: str, kinds: Sequence[str], example: str) -> str:
    kind, _, name = text.partition("/")
    if kind not in kinds or not name:
        raise RefusedError(f"{text or 'nothing'}: name it as {example}")
    return name


_MD, _MS = ("md", "modeldeployment"), ("ms", "modelservice")
