"""Why a volume cannot be filled until somebody does something: the exit codes of `hydrate`, and what they mean.

A Job's status tells the exit code of a pod and nothing else of it, so the causes go that way (`design/model-cache.md`).
"""

from __future__ import annotations

import re

REFUSED, NOT_FOUND, FULL, OTHER = 71, 72, 73, 74

SENTENCES = {
    REFUSED: (
        "the hub refuses the token: accept the model's terms on the hub if it is gated, and name a Secret in "
        "spec.huggingFace.authSecret with a token that may read it"
    ),
    NOT_FOUND: (
        "the hub has no such repository or revision, or shows it only to a token that may read it: correct "
        "spec.huggingFace, or add authSecret"
    ),
    FULL: "the volume is too small for the weights: raise spec.huggingFace.sizeGiB",
    OTHER: (
        "the volume holds another repository or commit: give the ModelCache another name, or delete the "
        "PersistentVolumeClaim on the cluster when no pod uses it"
    ),
}
_EXIT_CODE = re.compile(r"exit code (\d+)")


def told_by(message: str) -> str:
    """What the message of a failed Job's condition means; the message itself when it tells none of our causes."""
    found = _EXIT_CODE.search(message)
    return SENTENCES.get(int(found[1]) if found else 0, message.rstrip("."))
