"""What `modelplane render` prints, and its exit code."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click
from offline import admission, conditions, kinds, manifests, output, state
from offline.changes import Change, compare
from offline.findings import InvalidInputError, MissingPartError, printable
from offline.plane import Result, UnsettledError, compose
from offline.report import Node, tree
from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

INVALID, NOT_PLACED, UNREACHABLE = 2, 3, 4
_COLOURS = {"create": "green", "update": "yellow", "delete": "red"}


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    paths: Sequence[str]
    output: str = "tree"
    only: str | None = None
    lost: Sequence[str] = ()
    state: str | None = None
    save: str | None = None


def render(wish: Wish) -> int:
    """Print the result to standard output, what is wrong to standard error; returns the exit code."""
    composed = _composed(wish)
    if isinstance(composed, int):
        return composed
    result, changes = composed
    if wish.output == "tree":
        _show(result, changes, wish.only)
        return _verdict(result, told=wish.only != "remote")
    items = output.manifests(result, wish.only)
    click.echo(output.as_json(items) if wish.output == "json" else output.as_yaml(items), nl=False)
    return _verdict(result)


def rendered(wish: Wish) -> tuple[int, Result | None]:
    """The exit code and the result, if there is one; what is wrong is on standard error."""
    composed = _composed(wish)
    if isinstance(composed, int):
        return composed, None
    return _verdict(composed[0]), composed[0]


def _composed(wish: Wish) -> tuple[Result, list[Change]] | int:
    """The result, or the exit code when there is none and standard error says why."""
    logging.getLogger().addHandler(logging.NullHandler())  # What a function logs is for its operator.
    try:
        return _result(wish)
    except InvalidInputError as error:
        return _refused([str(finding) for finding in error.findings])
    except UnsettledError as error:
        return _refused([str(error)])
    except MissingPartError as error:
        click.echo(str(error), err=True)
        return UNREACHABLE


def _result(wish: Wish) -> tuple[Result, list[Change]]:
    gate = admission.Gate(kinds.load())
    earlier = state.load(wish.state, gate) if wish.state else {}
    reading = manifests.read(wish.paths)
    inputs = admission.screen(reading, gate, earlier)
    if reading.findings:
        raise InvalidInputError(reading.findings)
    result = compose(gate.kinds, inputs, earlier, wish.lost)
    if wish.save:
        state.save(result, wish.save)
    return result, compare(earlier, result, state.remotes(wish.state)) if wish.state else []


def _refused(sentences: list[str]) -> int:
    for sentence in sentences:
        click.echo(sentence, err=True)
    count = "1 error" if len(sentences) == 1 else f"{len(sentences)} errors"
    click.echo(f"{count}; nothing was composed.", err=True)
    return INVALID


def _verdict(result: Result, told: bool = False) -> int:
    """The exit code, and on standard error what it stands for where the tree has not `told` it."""
    code = 0
    for kind, keys, value in (
        ("ReplicasScheduled", result.unplaced(), NOT_PLACED),
        ("Synced", result.unsynced(), INVALID),
    ):
        for key in keys:
            found = conditions.find(result.objects[key], kind) or {}
            code = value
            why = f"see its {kind} above" if told else found.get("message") or found.get("reason")
            click.echo(printable(f"{key}: {why}"), err=True)
    return code


def _show(result: Result, changes: Sequence[Change], only: str | None) -> None:
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        _print(console, tree(result, only), changes)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()), color=console.is_terminal)


def _print(console: Console, nodes: Sequence[Node], changes: Sequence[Change]) -> None:
    for node in nodes:
        console.print(_painted(node))
    if not nodes:
        console.print("Nothing to show: no manifest is of a Modelplane kind.")
    told = [change for change in changes if change.action != "keep"]
    if changes:
        console.print(f"\nChanges: {len(told)}; {len(changes) - len(told)} objects are kept as they are", style="bold")
    for change in told:
        console.print(Padding(Text(str(change), style=_COLOURS[change.action]), (0, 0, 0, 2)))


def _painted(node: Node) -> Tree:
    painted = Tree(_label(node), guide_style="dim")
    painted.children.extend(_painted(child) for child in node.below)
    return painted


def _label(node: Node) -> Group:
    title = Text(node.title, style="bold" if node.below else "")
    if node.ready is not None:
        title.append("  READY" if node.ready else "  NOT READY", style="green" if node.ready else "red")
    notes = (Text(note.text, style="yellow" if note.counts else "dim") for note in node.notes)
    return Group(title, *(Padding(note, (0, 0, 0, 2)) for note in notes))
