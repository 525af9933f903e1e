"""Kubernetes' own CEL of device selectors, started once and asked in batches."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from local import tools

# A slow machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

Ask = Callable[[list[dict[str, Any]]], list[str]]


def _outcome(answer: dict[str, Any]) -> str:
    if "matches" in answer:
        return "true" if answer["matches"] else "false"
    if "deviceError" in answer:
        return "no such device"
    return "compile error" if "compileError" in answer else "runtime error"


@pytest.fixture(scope="session")
def kubernetes() -> Iterator[Ask]:
    """What Kubernetes makes of expressions and devices: no such device, compile error, runtime error, true or false."""
    command = [str(tools.path("dra-cel"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        answers = process.stdout

        def send(lines: str) -> None:
            process.stdin.write(lines)
            process.stdin.flush()

        def ask(questions: list[dict[str, Any]]) -> list[str]:
            lines = "".join(json.dumps(question) + "\n" for question in questions)
            # Written beside reading: neither pipe holds all.
            writer = threading.Thread(target=send, args=(lines,))
            writer.start()
            found = [_outcome(json.loads(answers.readline())) for _ in questions]
            writer.join()
            return found

        yield ask
        process.stdin.close()
