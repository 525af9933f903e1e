"""What can go wrong, as sentences for a person.

LocalError
  x ToolMissingError     a binary or file that `make tools` makes
  x RefusedError         the command cannot do what was asked (exit 2)
  x NotReadyError        a process or object did not become ready in time
"""

from __future__ import annotations


class LocalError(Exception):
    """A sentence that names the cause and the fix; `exit_code` is the command's."""

    exit_code = 4


class ToolMissingError(LocalError):
    """Something that `make tools` builds is not there."""


class RefusedError(LocalError):
    """What was asked for is invalid."""

    exit_code = 2


class NotReadyError(LocalError):
    """Something did not become ready in time."""
