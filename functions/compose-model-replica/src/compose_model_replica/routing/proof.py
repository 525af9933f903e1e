"""What `modelplane prove --record` has noted at a replica; a pure function."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass

from kit import labels
from schemas import ModelReplica

_LONGEST = 400


@dataclass(frozen=True)
class Proof:
    """What was found of the pods that run now."""

    disaggregates: bool
    message: str


def read(replica: ModelReplica) -> Proof | None:
    """The proof, if one was recorded since the replica was changed last; whoever may annotate it may write anything there."""
    try:
        noted = json.loads(replica.metadata.annotations.get(labels.PROOF, ""))
        if noted["revision"] != replica.spec.revision:
            return None
        verdict, link, look = (str(noted[key]) for key in ("verdict", "link", "look"))
    except (ValueError, KeyError, TypeError):
        return None
    if verdict == "Disaggregating":
        return Proof(True, "Long prompts were seen to be prefilled on prefill pods and decoded on decode pods.")
    told = textwrap.shorten(f"{verdict}: {link}: {look}", _LONGEST, placeholder=" …")
    return Proof(False, f"`modelplane prove` has found {told.rstrip('.')}.")
