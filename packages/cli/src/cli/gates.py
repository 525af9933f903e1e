"""What a promotion looks at before and after each shift, and why it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from replay import figures
from replay.client import Outcome, prepared, replay
from replay.figures import Objective
from replay.trace import Request

from cli import prove, targets
from cli.promotion import Promotion
from cli.shifting import Gate
from cli.targets import Found
from cli.traffic import Traffic

PERCENTILES = (50, 90)
# The first token is judged by the objective: two phases may trade a little of it for an even flow.
_MEASURES = ("itl", "e2e")


@dataclass(frozen=True)
class Limits:
    """What a promotion may cost."""

    tolerance: float
    """How much slower the new one may be, by every range that is certain: 0.25 is a quarter."""
    errors: int
    """Requests that may fail between two gates."""
    objective: Objective


def slower(baseline: Sequence[Outcome], variant: Sequence[Outcome], limits: Limits) -> list[str]:
    """Each figure that is worse for certain than the limits allow."""
    found = []
    for c in figures.compare([baseline], [variant]):
        if c.percentile in PERCENTILES and c.name in _MEASURES and c.low > 1 + limits.tolerance:
            title = f"{figures.TITLES[c.name]} p{c.percentile}"
            found.append(f"{title} is {c.ratio:.2f} times the baseline's ({c.low:.2f} to {c.high:.2f})")
    old, new = (figures.goodput([o], limits.objective, 1.0) for o in (baseline, variant))
    if new.high < old.low:
        found.append(f"the objective is kept by {new.share:.1%} of requests, by {old.share:.1%} of the baseline's")
    return found


@dataclass
class Gates:
    """The gates of one promotion."""

    promotion: Promotion
    service: Found
    requests: Sequence[Request]
    limits: Limits
    patience: float
    traffic: Traffic
    say: Callable[[str], None]
    baseline: Sequence[Outcome] = ()
    """What the old one made of the requests, when it was last asked."""
    failed: int = 0
    """Requests of the traffic that had failed when a gate last looked."""
    tried: int = 0

    def look(self, gate: Gate) -> str:
        """Why the gate stays shut; empty where it opens."""
        return self._disaggregates(gate) or self._measured(gate) or self._lost()

    def _disaggregates(self, gate: Gate) -> str:
        plane, new = self.promotion.plane, self.promotion.new
        found = plane.get("modeldeployment", new, "-n", plane.namespace)
        if found["spec"].get("serving", {}).get("mode") != "PrefillDecode":
            return ""
        replicas = targets.replicas_of(plane, new)
        for replica in replicas[-1:] if gate.when == "before" else replicas:
            told = prove.proven(plane, replica)
            if told["verdict"] != "Disaggregating":
                return f"{told['replica']} does not disaggregate: {told['verdict']}, {told['link']}: {told['look']}"
            self.say(f"  {told['replica']}: {told['verdict']}")
        return ""

    def _measured(self, gate: Gate) -> str:
        """Why what was measured is not good enough: requests that failed, or figures that are worse in two looks."""
        failed, worse = self._compared(gate)
        if failed or not worse:
            return failed
        self.say(f"  {worse}; a busy machine looks so as well, so it is measured once more")
        failed, worse = self._compared(gate)
        return failed or worse

    def _compared(self, gate: Gate) -> tuple[str, str]:
        """Which requests failed, and what is slower; each empty where all is well.

        The newest replica is asked beside one of the old ones; after a shift, all that clients are answered by.
        """
        old, new = (targets.replicas_of(self.promotion.plane, n) for n in (self.promotion.old, self.promotion.new))
        asked = self.service if gate.when == "after" else self._replica(new[-1])
        both = [asked, *([self._replica(old[0])] if old and gate.when == "before" else [])]
        self.tried += 1
        answered = asyncio.run(self._ask(both))
        if len(answered) > 1:
            self.baseline = answered[1]
        errors = figures.errors([answered[0]])
        if errors:
            return f"{asked.target.name}: " + ", ".join(f"{n} requests failed: {e}" for e, n in errors.items()), ""
        if not self.baseline:
            self.say("  nothing of the old deployment is left to compare with: only errors count")
            return "", ""
        found = slower(self.baseline, answered[0], self.limits)
        p90 = [figures.quantile([o.end for o in each], 0.9) * 1000 for each in (self.baseline, answered[0])]
        self.say(f"  {len(self.requests)} requests answered; end-to-end p90 {p90[1]:.0f} ms, baseline {p90[0]:.0f} ms")
        return "", f"{asked.target.name}: {'; '.join(found)}" if found else ""

    async def _ask(self, both: Sequence[Found]) -> list[list[Outcome]]:
        asked = prepared(self.requests, f"gate/{self.tried}")
        return list(await asyncio.gather(*(replay(f.target, asked, self.patience) for f in both)))

    def _replica(self, replica: targets.Manifest) -> Found:
        name, service = f"mr/{replica['metadata']['name']}", self.service.target
        return targets.of_replicas(self.promotion.plane, name, (replica,), service.headers, service.model)

    def _lost(self) -> str:
        now = sum(self.traffic.errors.values())
        lost, self.failed = now - self.failed, now
        if lost <= self.limits.errors:
            return ""
        told = ", ".join(f"{n} times {e}" for e, n in self.traffic.errors.most_common())
        return f"{lost} requests through the service failed: {told}"
