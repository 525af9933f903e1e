"""What the documentation says can be done: its manifests are admitted, its commands and links exist.

A YAML block that is a part of a manifest has a comment above its fence: <!-- fragment -->.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml
from cli.main import cli
from click.testing import CliRunner
from kit import conditions
from scheduling import Gate
from schemas import apis

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = {".venv", ".tools", ".git", ".modelplane", ".pytest_cache"}
PAGES = sorted(p for p in ROOT.rglob("*.md") if not HIDDEN & set(p.relative_to(ROOT).parts))
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
KINDS = {xrd["spec"]["names"]["kind"] for xrd in apis.definitions()}
VERBS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    is_fragment: bool

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def _blocks(page):
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        above = text[: found.start()].rstrip().rsplit("\n", 1)[-1]
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[2], found[3], "<!-- fragment -->" in above)


BLOCKS = [block for page in PAGES for block in _blocks(page)]


def _is_ours(block):
    documents = [d for d in yaml.safe_load_all(block.text) if isinstance(d, dict)]
    return any(d.get("kind") in KINDS for d in documents)


def _without_prompts(text):
    """The commands, continued lines joined; what is fed to a command as a here-document is none."""
    text = re.sub(r"<<'?(\w+)'?\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line.removeprefix("$ ").partition(" #")[0].strip() for line in joined.splitlines()]


COMMANDS = [
    pytest.param(line, id=f"{block} {line}")
    for block in BLOCKS
    if block.language in ("console", "sh", "bash")
    for line in _without_prompts(block.text)
    if re.search(r"\b(make|modelplane) ", line)
]
MANIFESTS = [b for b in BLOCKS if b.language == "yaml" and not b.is_fragment and _is_ours(b)]


@pytest.mark.parametrize("block", MANIFESTS, ids=str)
def test_a_manifest_is_admitted(block):
    told = CliRunner().invoke(cli, ["render", "-"], input=block.text)
    assert told.exit_code != 2, told.output


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_its_verb_and_its_options_exist(line):
    assert set(re.findall(r"(?:^|[|&;]\s*)make ([a-z0-9-]+)", line)) <= VERBS
    for words in re.findall(r"(?:^|[|&;]\s*)modelplane ([^|&;]*)", line):
        name = words.split()[0]
        if name.startswith("-"):
            continue
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, line
        known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        assert set(re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", words)) <= known | {"--help", "-h"}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_relative_link_leads_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link and not link.startswith("#")]
    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_every_gate_and_every_reason_of_scheduling_is_explained():
    text = (ROOT / "docs/how-to/why-is-it-not-scheduled.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `?(\w+)`? \|", text, re.MULTILINE))
    scheduled = next(c for c in conditions.of("ModelDeployment") if c.type == "ReplicasScheduled")
    assert {*map(str, Gate), *scheduled.reasons} - {"Scheduled"} <= explained
