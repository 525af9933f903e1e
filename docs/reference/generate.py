# ruff: noqa: INP001  # A script, not a package: it is run by its path.
"""Write the reference pages from what the code itself reads: XRDs, conditions, injected fields, commands."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml
from cli.main import COMMANDS, cli, main
from cli.verdict import LOOK
from compose_model_replica import injected
from contract import picker
from contract.check import TABLE
from contract.findings import UNTESTED_VERSION, Severity, spell
from contract.read import IGNORE
from kindpages import kind_page
from kit import conditions
from local.datapath import images
from local.datapath.engine.contract import PLAYED
from pagetext import page, table
from release import compatibility
from schemas import apis

HERE = Path(__file__).resolve().parent
BROKEN = HERE.parents[1] / "tests" / "datapath" / "broken"
Schema = dict[str, Any]


def pages() -> dict[str, str]:
    """Every page by its file name."""
    kinds = {_file(xrd): kind_page(xrd) for xrd in apis.definitions()}
    return {
        "README.md": _index(),
        "conditions.md": _conditions(),
        "contract.md": _contract(),
        "injected.md": _injected(),
        "cli.md": _commands(),
        "compatibility.md": _compatibility(),
        "data-path.md": _data_path(),
        **kinds,
    }


def write(folder: Path) -> None:
    """Write the pages, and remove what is no page any more."""
    made = pages()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    for stale in folder.glob("*.md"):
        if stale.name not in made:
            stale.unlink()


def _file(xrd: Schema) -> str:
    return f"{xrd['spec']['names']['singular']}.md"


def _index() -> str:
    rows = []
    for xrd in apis.definitions():
        names, version = xrd["spec"]["names"], xrd["spec"]["versions"][0]
        short = ", ".join(names.get("shortNames", []))
        text = version["schema"]["openAPIV3Schema"].get("description", "")
        rows.append((f"[{names['kind']}]({_file(xrd)})", short, xrd["spec"]["scope"], text))
    return page(
        "Reference",
        "Generated from the code: `python docs/reference/generate.py` writes these pages, and a test fails when they differ.",
        "## Kinds",
        table(("kind", "short", "scope", "what it is"), rows),
        "## Tables",
        "- [Conditions](conditions.md): what each kind says of itself, and which conditions count for Ready\n"
        "- [Contract](contract.md): how a deployment's parts can fail to fit together, and what a client sees of it\n"
        "- [Compatibility](compatibility.md): the versions of others that this one was run with\n"
        "- [Injected fields](injected.md): all that a pod gets beside what its owner wrote\n"
        "- [Data path](data-path.md): what breaks how, the links that `prove` names, what `up --data-path` plays\n"
        "- [Commands](cli.md): options and exit codes",
    )


def _conditions() -> str:
    blocks = []
    for kind in dict.fromkeys(c.kind for c in conditions.TABLE):
        rows = [
            (f"`{c.type}`", c.meaning, "yes" if c.counts else "no", ", ".join(f"`{r}`" for r in c.reasons))
            for c in conditions.of(kind)
        ]
        blocks += [f"## {kind}", table(("condition", "True means", "counts for Ready", "reasons"), rows)]
    common = ", ".join(f"`{r}`" for r in conditions.COMMON_REASONS)
    return page(
        "Conditions",
        "An object is Ready when all of its conditions that count are True. `kubectl describe` shows them with a sentence each.",
        f"Every condition can also have one of the reasons {common}. `NotAvailable` is what a kind says that this version does not act on.",
        *blocks,
    )


def _contract() -> str:
    errors, warnings = ([r for r in TABLE if r.severity is s] for s in (Severity.ERROR, Severity.WARNING))
    head = ("rule", "what breaks, and what a client sees", "how it is known")
    return page(
        "Contract",
        "What `modelplane check` and the condition `ContractValid` of a ModelDeployment look at. A flag whose value cannot be "
        "known beforehand breaks no rule.",
        f"The annotation `{IGNORE}: "
        '"id, id"` on the deployment silences rules; what is silenced stays visible in `status.contract`.',
        "## Errors",
        "Nothing new is composed while one of these is broken, and nothing that runs is changed.",
        table(head, [(f"`{r.id}`", r.breaks, r.source) for r in errors]),
        "## Warnings",
        table(head, [(f"`{r.id}`", r.breaks, r.source) for r in warnings]),
        "## Versions of the endpoint picker",
        f"The default is {picker.DEFAULT_VERSION}. An image whose tag tells no version needs `endpointPicker.version`.",
        table(("", *picker.DIALECTS), _dialects()),
    )


def _dialects() -> Iterator[tuple[str, ...]]:
    known = picker.DIALECTS.values()
    yes = {True: "yes", False: "no"}
    yield ("apiVersion of its configuration", *(f"`{d.api_version}`" for d in known))
    yield ("also taken, deprecated", *(", ".join(f"`{v}`" for v in d.deprecated_api_versions) or "none" for d in known))
    yield ("featureGates: [prepareDataPlugins]", *("required" if d.prepare_data_gate else "refused" for d in known))
    yield (
        "prefix parameters stand on",
        *("`approx-prefix-cache-producer`" if d.prefix_producer else "`prefix-cache-scorer`" for d in known),
    )
    yield ("disagg-headers-handler needed", *(yes[d.headers_handler] for d in known))
    yield ("decider declared before the handler", *("required" if d.decider_first else "any order" for d in known))
    yield ("unknown parameters", *("refused" if d.strict_parameters else "ignored" for d in known))
    yield ("smallest block, in tokens", *(str(d.min_block_size) for d in known))
    yield ("connectors of its sidecar", *(", ".join(d.connectors) for d in known))
    yield ("sidecar's flag for the engine's port", *(f"`{d.engine_port_flag}`" for d in known))
    yield ("without a Ready prefill pod", *("decodes alone" if d.falls_back else "fails" for d in known))


def _injected() -> str:
    rows = [(f"`{i.field}`", _value(i.value), i.unless, i.why) for i in injected.TABLE]
    return page(
        "Injected fields",
        "All that a pod gets beside what its owner wrote in `spec.engines[].members[].template`. "
        "Nothing is ever added to an engine's command or flags.",
        table(("field", "value", "unless", "why"), rows),
    )


def _value(value: object) -> str:
    return value if isinstance(value, str) else f"`{_flow(value)}`"


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _commands() -> str:
    top = _context(cli, "modelplane")
    blocks = [_fenced(cli.get_help(top))]
    for name in COMMANDS:
        command = cli.get_command(top, name)
        assert command is not None  # noqa: S101  # The table names it.
        blocks += [f"## modelplane {name}", _fenced(command.get_help(_context(command, name, top)))]
    return page("Commands", *blocks, "## Exit codes", table(("code", "means"), _exit_codes()))


def _compatibility() -> str:
    rows = [
        (row.name, row.where, row.version, ", ".join(row.also), ", ".join(_names(row))) for row in compatibility.table()
    ]
    return page(
        "Compatibility",
        "The versions of others that this version of Modelplane was run with. `modelplane check` warns of each version that a "
        f"manifest names and that is not of the same minor release as one of these (`{UNTESTED_VERSION}`); whatever stands in "
        "no field and no tag, such as a controller that is on a cluster already, it cannot see, unless you give it that too:",
        "```console\nkubectl get nodes,deployments -A -o yaml | modelplane check -\n```",
        table(("what", "where", "tests run", "also run", "named by"), rows),
        "NVIDIA's DRA driver is not in the table: no registry has it where the tests run, and its chart is a stand-in there.",
    )


def _names(row: compatibility.Tested) -> Iterator[str]:
    """Where a version of it is named, as a person writes it."""
    for kind in (xrd["spec"]["names"]["kind"] for xrd in apis.definitions()):
        yield from (f"`{kind}: {spell(path)}`" for path in row.paths(kind))
    yield from (
        f"`{kind}: {spell(tuple(path))}`" for kind in ("CustomResourceDefinition", "Node") for path in row.paths(kind)
    )
    yield from (f"`…/{image}`" for image in row.images)


def _data_path() -> str:
    rows = [yaml.safe_load(f.read_text(encoding="utf-8")) for f in sorted(BROKEN.glob("*.yaml"))]
    broken = [
        (r["breaks"], " or ".join(map(_status, r["client"])), r["verdict"], f"`{r['link']}`", _before(r["link"]))
        for r in rows
    ]
    known = [
        (f"`{r.repository}`", r.program, {"": "any", "-": "by variable"}.get(r.version, r.version))
        for r in images.TABLE
    ]
    return page(
        "Data path",
        "## What breaks how",
        "Each row is a test that breaks composed manifests and runs them (`make datapath`, picker and sidecar v0.7.1). The client's "
        "column is what its long prompt is answered with. A link that is no rule of [the contract](contract.md) is listed below.",
        table(("what is broken", "client sees", "verdict of `modelplane prove`", "link", "a rule of `check`"), broken),
        "## Links",
        table(("link", "where to look"), [(f"`{name}`", text) for name, text in LOOK.items()]),
        "## Images that run",
        "`modelplane up --data-path` runs these images as programs of this machine, and says of every other that it cannot. "
        "Where a version is given no other is run; `MODELPLANE_PICKER` and `MODELPLANE_SIDECAR`, set for `up`, name another "
        "build, which then stands for every version. What is played by `idle` does nothing and is ready: charts of the serving stack bring it, and "
        "no model waits for it.",
        table(("image", "program", "version"), known),
        "## What the engine plays",
        "The image of vLLM is played by a program in front of the llm-d inference simulator. Of vLLM's contract it plays what stands "
        "here; tokens, speed and the bytes of KV caches are made up.",
        table(("where", "what it does"), PLAYED),
    )


def _before(link: str) -> str:
    return "yes" if link in {rule.id for rule in TABLE} else "no"


def _status(code: int) -> str:
    return str(code) if code else "nothing in time"


def _context(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    """As the command line makes it, as wide as a page."""
    settings = {**command.context_settings, "terminal_width": 100, "max_content_width": 100}
    return click.Context(command, parent, info_name=name, **settings)


def _fenced(text: str) -> str:
    body = "\n".join(line.rstrip() for line in text.splitlines())
    return f"```text\n{body}\n```"


def _exit_codes() -> list[tuple[str, str]]:
    listed = (main.__doc__ or "").partition("Exit codes:")[2]
    return [(code, meaning.strip()) for code, meaning in re.findall(r"(\d) ([^,.]+)", listed)]


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
