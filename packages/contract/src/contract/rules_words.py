"""Rules about the words of a container: what reaches the engine is not what its author sees in the manifest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from contract.findings import Said
from contract.flags import Engine as Kind
from contract.launch import SHELLS, meant
from contract.read import Deployment, Member, listed, mapping, text
from contract.rules_engines import LITERAL
from contract.rules_phases import ERROR, WARNING, rule

_REFERENCE = re.compile(r"(?<!\$)\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
# Variables that pods get from elsewhere: from this project, from LeaderWorkerSet, from the kubelet.
_GIVEN = ("MODELPLANE_", "LWS_", "KUBERNETES_", "VLLM_NIXL_")
_ELSEWHERE: Mapping[Kind, frozenset[str]] = {
    Kind.VLLM: frozenset(
        {
            "context-length",
            "disaggregation-bootstrap-port",
            "disaggregation-mode",
            "disaggregation-transfer-backend",
            "mem-fraction-static",
            "model-path",
            "page-size",
        }
    ),
    Kind.SGLANG: frozenset({"enforce-eager", "gpu-memory-utilization", "kv-transfer-config"}),
}


def _members(deployment: Deployment) -> Iterator[Member]:
    return (m for e in deployment.engines for m in e.members)


def _argv(member: Member) -> list[str]:
    return [str(w) for key in ("command", "args") for w in listed(member.container.get(key))]


def _never_started(deployment: Deployment) -> Iterator[Said]:
    for member in _members(deployment):
        argv = _argv(member)
        read = meant(argv)
        if len(read) > len(argv) and listed(member.container.get("command")):
            yield Said(
                (*member.at, "command", 0),
                f"The container has no program called {argv[0][:40]!r}: each word is an entry of its own",
                "split it into entries, or write command: [sh, -c] and the text in args",
            )
        if len(read) < len(argv):
            yield Said(
                (*member.at, "command"),
                f"The shell runs {read[0]} without a word after it: only the first entry after -c is its script",
                "write the whole command in that one entry, or leave the shell out",
            )


def _glued(deployment: Deployment) -> Iterator[Said]:
    for member in _members(deployment):
        for word in member.flags.glued:
            name = word.split(maxsplit=1)[0]
            yield Said(
                member.flag_at(name.lstrip("-")),
                f"{name} and its value are one word; the engine knows no flag with a space in its name",
                "write an equals sign between them, or two entries",
            )


def _literal(deployment: Deployment) -> Iterator[Said]:
    for member in _members(deployment):
        for name, value in member.flags.values.items():
            if isinstance(value, str) and LITERAL.fullmatch(value):
                variable = value.strip("${}")
                yield Said(
                    member.flag_at(name),
                    f"--{name} is the text {value}: no shell replaces it here",
                    f"write $({variable}), which Kubernetes replaces; inside a script use double quotes",
                )


def _undefined(deployment: Deployment) -> Iterator[Said]:
    return (said for member in _members(deployment) for said in _references(member))


def _references(member: Member) -> Iterator[Said]:
    argv, container = _argv(member), member.container
    shell = any(w.rsplit("/", 1)[-1] in SHELLS for w in argv)
    if shell or container.get("envFrom") or member.flags.engine is Kind.UNKNOWN:
        return
    defined = {text(mapping(e).get("name")) for e in listed(container.get("env"))}
    for key in ("command", "args"):
        for index, word in enumerate(listed(container.get(key))):
            for name in _REFERENCE.findall(word) if isinstance(word, str) else ():
                if name not in defined and not name.startswith(_GIVEN):
                    yield Said(
                        (*member.at, key, index),
                        f"The container has no variable {name}, so $({name}) stays as it is",
                        "add it to env, or correct its name",
                    )


def _foreign(deployment: Deployment) -> Iterator[Said]:
    for member in _members(deployment):
        kind = member.flags.engine
        # A program of one's own that starts the engine may have flags of its own.
        for name in (
            () if member.flags.is_open else sorted(_ELSEWHERE.get(kind, frozenset()) & set(member.flags.values))
        ):
            other = "SGLang" if kind is Kind.VLLM else "vLLM"
            yield Said(
                member.flag_at(name),
                f"--{name} is a flag of {other}, and the engine is {'vLLM' if kind is Kind.VLLM else 'SGLang'}",
                "remove it, or write this engine's own flag",
            )


_REFUSES = "The engine refuses to start; clients get 503."

TABLE = (
    rule(
        "engine-not-started",
        ERROR,
        ("The container ends at once; clients get 503.", "command is a list of words; POSIX sh -c"),
        _never_started,
    ),
    rule("argument-with-space", ERROR, (_REFUSES, "the engines' argument parsers"), _glued),
    rule("variable-not-replaced", ERROR, (_REFUSES, "Kubernetes replaces $(NAME) of the container's env"), _literal),
    rule(
        "variable-undefined",
        WARNING,
        ("The engine gets the text itself, unless a webhook adds the variable.", "Kubernetes' expansion of $(NAME)"),
        _undefined,
    ),
    rule("flag-of-another-engine", ERROR, (_REFUSES, "the engines' argument parsers"), _foreign),
)
