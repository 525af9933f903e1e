"""`python -m local.tools [NAME…]`: build what is missing, with one line per tool."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.status import Status

from local.errors import LocalError
from local.tools.building import Step, build


def main(names: Iterable[str]) -> int:
    """Build, and answer with the exit code."""
    console = Console(highlight=False)
    with console.status("Building the tools (15 to 20 minutes the first time)") as status:
        try:
            build(names, lambda step: _tell(console, status, step))
        except LocalError as trouble:
            status.stop()
            Console(stderr=True, highlight=False).print(str(trouble), markup=False, soft_wrap=True)
            return trouble.exit_code
        except KeyboardInterrupt:
            return 130
    return 0


def _tell(console: Console, status: Status, step: Step) -> None:
    label = f"{step.tool.name} {step.tool.version}"
    if step.state == "building":
        status.update(f"{label}: building")
        if console.is_terminal:
            return
    took = f" in {step.seconds:.0f} s" if step.state == "built" else ""
    console.print(f"{label}: {step.state}{took}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
