"""What can go wrong, as a sentence for a person."""

from __future__ import annotations


class ReleaseError(Exception):
    """Something that a release needs is missing or wrong; the sentence says what to do."""
