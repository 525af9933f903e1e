"""The page docs/explanation/faults.md: what is promised for each fault, and what the last run saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from matrix.play import Fault, Seen, faults

Manifest = dict[str, Any]
HERE = Path(__file__).resolve().parents[1]
SEEN = HERE / "seen.yaml"
PAGE = HERE.parents[1] / "docs" / "explanation" / "faults.md"
KINDS = {"md": "ModelDeployment", "mr": "ModelReplica", "ic": "InferenceCluster", "me": "ModelEndpoint"}


def seen() -> Manifest:
    """What runs have measured so far."""
    return dict(yaml.safe_load(SEEN.read_text(encoding="utf-8")) or {}) if SEEN.exists() else {}


def note(fault: Fault, measured: Seen) -> None:
    """Keep what a run saw of one fault, and write the page anew."""
    kept = seen()
    kept["faults"] = {**kept.get("faults", {}), fault.id: {k: v for k, v in asdict(measured).items() if v is not None}}
    _keep(kept)


def note_broken(fault: Fault, told: str) -> None:
    """Keep what a row said when its guard was broken."""
    kept = seen()
    _keep({**kept, "broken": {**kept.get("broken", {}), fault.id: told}})


def note_figures(**figures: Manifest) -> None:
    """Keep what a run measured of the control plane as a whole."""
    _keep({**seen(), **figures})


def _keep(kept: Manifest) -> None:
    SEEN.write_text(yaml.safe_dump(kept, sort_keys=True), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page."""
    text = (HERE / "page.md").read_text(encoding="utf-8")
    rows, measured = faults(), seen()
    return (
        text.replace("{{promised}}", _table(_promised(f) for f in rows))
        .replace("{{seen}}", _table(_measured(f, measured["faults"].get(f.id, {})) for f in rows))
        .replace("{{guards}}", _table(_guarded(f, measured.get("broken", {})) for f in rows))
        .replace("{{longest}}", _longest(rows, measured["faults"]))
        .replace("{{figures}}", _figures(measured.get("processes", {}), "ready", "mib"))
        .replace("{{births}}", _figures(measured.get("births", {}), "composed", "ready", "calls"))
    )


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _promised(fault: Fault) -> tuple[str, ...]:
    return (
        fault.fault,
        fault.stays,
        "; ".join(_words(said) for said in fault.says) or "nothing: all is as before at once",
    )


def _words(said: Manifest) -> str:
    if "status" in said:
        return f"`modelplane status`: {said['status'].replace('west-', 'cluster-1-')} not running"
    if "edited" in said:
        return "nothing: what a person changes meanwhile comes through"
    if "answer" in said:
        return f"kubectl is refused: “{said['answer']}…”"
    told = f", “{said['message']}…”" if "message" in said else ""
    return f"{KINDS[said['kind']]}: {said['type']} {said.get('is', 'False')}, `{said['reason']}`{told}"


def _measured(fault: Fault, row: Mapping[str, Any]) -> tuple[str, ...]:
    named = f"{row['named']:.1f}" if row and fault.says else ""
    taken = f"{row['taken']:.1f}" if "taken" in row else ""
    ended = f"{row['converged']:.1f}" if row else "not run"
    return fault.fault, named, taken, ended, str(row.get("calls", ""))


def _longest(rows: list[Fault], measured: Mapping[str, Any]) -> str:
    named = {f.fault: measured[f.id]["named"] for f in rows if f.says and f.id in measured}
    longest = max(named, key=lambda fault: named[fault], default="nothing was played")
    return f"{named.get(longest, 0):.0f} s ({longest})"


def _guarded(fault: Fault, broken: Mapping[str, str]) -> tuple[str, ...]:
    where = f" (`{fault.breaks['in'].rpartition('src/')[2]}`)" if fault.breaks else ""
    return (
        fault.fault,
        fault.guard + where,
        broken.get(fault.id, "not ours to break" if not fault.breaks else "not run"),
    )


def _figures(figures: Mapping[str, Mapping[str, Any]], *columns: str) -> str:
    return _table((name, *(str(row[c]) for c in columns)) for name, row in figures.items())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
