"""Which engine a container starts, with which words: directly, through a shell, or through a launcher."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contract import shell
from contract.shell import Word

_DEEPEST = 4
SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh"})
# Programs that do nothing of use without a word after them.
_BARE = ("vllm", "sglang", "python", "python3")
_DASH_C = re.compile(r"-[a-z]*c")
_NO_LAUNCH = frozenset({"echo", "printf", "which", "command", "test", "[", "[[", "pip", "cat", "grep", "kill", "pkill"})
_IMAGES = (("vllm-openai", "vllm"), ("llm-d-inference-sim", "simulator"), ("vllm-cpu", "vllm"))


class Engine(enum.StrEnum):
    """The engines whose flags are known."""

    VLLM = "vllm"
    SGLANG = "sglang"
    TRTLLM = "trtllm"
    SIMULATOR = "simulator"
    UNKNOWN = "unknown"


# The words that start an engine; a first word is compared by the last part of its path.
_LAUNCHES = (
    (Engine.VLLM, ("vllm", "serve")),
    (Engine.VLLM, ("vllm.entrypoints.cli.main", "serve")),
    (Engine.VLLM, ("vllm.entrypoints.openai.api_server",)),
    (Engine.VLLM, ("api_server.py",)),
    (Engine.SGLANG, ("sglang.launch_server",)),
    (Engine.SGLANG, ("sglang", "serve")),
    (Engine.TRTLLM, ("trtllm-serve", "serve")),
    (Engine.TRTLLM, ("trtllm-serve",)),
    (Engine.SIMULATOR, ("llm-d-inference-sim",)),
)


@dataclass(frozen=True)
class Launch:
    """One start of an engine: its arguments, and its environment as far as it is written."""

    engine: Engine
    words: tuple[Word, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = False
    """Whether the image may add words of its own."""


def launches(argv: Sequence[str], env: Mapping[str, str], image: str = "") -> list[Launch]:
    """Every start of a known engine that the words of a container lead to."""
    argv = meant(argv)
    found = _in_words(tuple(Word(a) for a in argv), env, 0)
    if found:
        return found
    entrypoint = _entrypoint(image)
    starts = not argv or argv[0].startswith("-") or entrypoint is Engine.VLLM
    if entrypoint and starts:
        return [Launch(entrypoint, tuple(Word(a) for a in argv), env)]
    if image and _takes_kv_transfer(argv):
        words = argv[1:] if argv[0] == "serve" else argv
        return [Launch(Engine.VLLM, tuple(Word(a) for a in words), env, is_open=True)]
    return [_unknown(tuple(Word(a) for a in argv), env)]


def meant(argv: Sequence[str]) -> Sequence[str]:
    """The words as their author means them, where they start nothing: a rule refuses these."""
    if argv and " " in argv[0].strip() and not argv[0].startswith("-"):
        return ("sh", "-c", *argv)
    shell, flag, program, *rest = (*argv, "", "", "")[: max(len(argv), 3)]
    bare = rest and shell.rsplit("/", 1)[-1] in SHELLS and _DASH_C.fullmatch(flag) and program in _BARE
    return argv[2:] if bare else argv


def _unknown(words: tuple[Word, ...], env: Mapping[str, str]) -> Launch:
    """The start of an engine that is not known; a script of more than one command could start anything."""
    script = _script(words) if words else None
    if script is None:
        return Launch(Engine.UNKNOWN, words, env)
    commands = shell.read(script[0], env, script[1])
    alone = len(commands) == 1 and _base(commands[0].words[0]) not in _NO_LAUNCH
    return Launch(Engine.UNKNOWN, commands[0].words if alone else (), env)


def _takes_kv_transfer(argv: Sequence[str]) -> bool:
    """Whether an image that is not known is given a flag which vLLM alone has."""
    first, flags = (argv or [""])[0], (a.partition("=")[0].partition(".")[0].replace("_", "-") for a in argv)
    return (first.startswith("-") or first == "serve") and "--kv-transfer-config" in flags


def _entrypoint(image: str) -> Engine | None:
    """The engine that an image starts by itself."""
    name = image.rsplit("/", 1)[-1]
    return next((Engine(engine) for prefix, engine in _IMAGES if name.startswith(prefix)), None)


def _in_words(words: tuple[Word, ...], env: Mapping[str, str], depth: int) -> list[Launch]:
    if not words or depth > _DEEPEST or _base(words[0]) in _NO_LAUNCH:
        return []
    for index in range(len(words)):
        if script := _script(words[index:]):
            text, parameters = script
            return _in_script(text, env, parameters, depth)
        for engine, start in _LAUNCHES:
            found = tuple(w.text for w in words[index : index + len(start)])
            if len(found) == len(start) and (_base(words[index]), *found[1:]) == start:
                return [Launch(engine, words[index + len(start) :], _assigned(words[:index], env))]
    return []


def _in_script(text: str, env: Mapping[str, str], parameters: Sequence[str], depth: int) -> list[Launch]:
    commands = shell.read(text, env, parameters)
    return [launch for c in commands for launch in _in_words(c.words, c.env, depth + 1)]


def _script(words: Sequence[Word]) -> tuple[str, Sequence[str]] | None:
    """The script and its parameters, where the words are a shell's with -c, or what eval is given."""
    if _base(words[0]) == "eval":
        return " ".join(w.text for w in words[1:]), ()
    if _base(words[0]) not in SHELLS:
        return None
    for index, word in enumerate(words[1:], 1):
        if not word.text.startswith(("-", "+")):
            # The value of -o, such as pipefail.
            if words[index - 1].text.endswith("o"):
                continue
            return None
        if word.text.startswith("-") and not word.text.startswith("--") and "c" in word.text:
            rest = [w.text for w in words[index + 1 :]]
            rest = rest[1:] if rest[:1] == ["--"] else rest
            return (rest[0], rest[2:]) if rest else None
    return None


def _assigned(words: Sequence[Word], env: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with what `env NAME=value` adds before the engine."""
    if not words or _base(words[0]) != "env":
        return env
    pairs = (w.text.partition("=") for w in words[1:] if "=" in w.text and not w.text.startswith("-"))
    return {**env, **{name: value for name, _, value in pairs}}


def _base(word: Word) -> str:
    return word.text.rsplit("/", 1)[-1]
