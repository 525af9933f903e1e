"""What a shell script knows while it is read: its variables, arrays and parameters, and which of them are sure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contract.words import HOLE

ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=(.*)", re.DOTALL)
DECLARING = frozenset({"export", "declare", "local", "readonly", "typeset"})
_OPENING = frozenset({"if", "for", "while", "until", "case", "select", "function"})
_CLOSING = frozenset({"fi", "done", "esac"})
_SKIPPED = frozenset({"then", "else", "elif", "do", "{", "}", "(", ")", "!", "time"}) | _OPENING | _CLOSING
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# These give the variables that they name a value that no one can read here.
_READING = frozenset({"read", "mapfile", "readarray", "getopts", "unset"})


@dataclass(frozen=True)
class Word:
    """One word after expansion; `split` where an unknown variable outside of quotes can be any number of words."""

    text: str
    split: bool = False


@dataclass(frozen=True)
class Command:
    """A simple command: its words, and what the environment holds when it runs."""

    words: tuple[Word, ...]
    env: Mapping[str, str]


@dataclass
class State:
    """The variables of a script at the place that is read."""

    env: dict[str, str]
    parameters: Sequence[Word] | None = ()
    """`$@`; None where it is not known, as in a function."""
    arrays: dict[str, Sequence[Word] | None] = field(default_factory=dict)
    depth: int = 0
    surely: bool = True
    """Whether all before this command in its list of `&&` are assignments."""
    either: bool = False
    """Whether a `||` stands before this command in its list."""
    maybe: set[str] = field(default_factory=set)
    """What was set behind a `&&`: known up to the end of that list only."""
    defines: bool = False
    bodies: list[dict[str, str] | None] = field(default_factory=list)
    """What was known before each open brace of a function."""
    outside: list[tuple[int, dict[str, str], dict[str, Sequence[Word] | None]]] = field(default_factory=list)
    """What was known where each open subshell began, with the depth there."""

    def end(self, words: list[Word], operator: str) -> Command | None:
        """The command that these words are; the operator says what the next one depends on."""
        if not words:
            return None
        found = self._command(self._without_keywords(words))
        self._follow(operator, assigned=found is None)
        return found

    def array(self, name: str, words: Sequence[Word], *, more: bool) -> None:
        """`NAME=(…)`, or with `more` `NAME+=(…)`."""
        before = self.arrays.get(name) if more else ()
        added = words if self._is_sure else (Word(HOLE, split=True),)
        self.arrays[name] = None if before is None else (*before, *added)

    @property
    def _is_sure(self) -> bool:
        return self.surely and not self.either and not self.depth

    def _follow(self, operator: str, *, assigned: bool) -> None:
        if operator == "||":
            self.either = True
        elif operator == "&&":
            self.surely = self.surely and assigned
        elif operator == "|":
            self.surely = False
        else:
            self.forget(self.maybe)
            self.surely, self.either, self.maybe = True, False, set()

    def forget(self, names: set[str]) -> None:
        """From here on the values of these variables are unknown."""
        for name in names:
            self.env[name] = HOLE
            if name in self.arrays:
                self.arrays[name] = None

    def _command(self, words: list[Word]) -> Command | None:
        before = dict(self.env)
        declares = False
        while words and (declares or words[0].text in DECLARING or ASSIGNMENT.fullmatch(words[0].text)):
            declares = declares or words[0].text in DECLARING
            self._assign(words[0].text)
            words = words[1:]
        if not words:
            return None
        # What stands before a command is set for that command alone.
        local, self.env = self.env, before
        self._built_in(words)
        return Command(tuple(words), local)

    def _assign(self, text: str) -> None:
        match = ASSIGNMENT.fullmatch(text)
        if match is None:
            return
        name, more, value = match.groups()
        self.env[name] = self.env.get(name, HOLE) + value if more else value
        if self.depth or self.either:
            self.env[name] = HOLE
        elif not self.surely:
            self.maybe.add(name)

    def _built_in(self, words: list[Word]) -> None:
        name, given = words[0].text, [w.text for w in words[1:]]
        if name == "set" and "--" in given:
            self.parameters = tuple(words[given.index("--") + 2 :]) if self._is_sure else None
        elif name == "shift":
            self.parameters = None
        elif name in _READING or (name == "printf" and given[:1] == ["-v"]):
            self.forget({g for g in given if not g.startswith("-")})
        elif name == "let":
            self.forget({n for g in given for n in _NAME.findall(g)})
        elif name in (".", "source") and given:
            # A virtual environment's script sets its own variables only; any other file may set all.
            self.forget(set() if given[0].endswith("/activate") else {*self.env, *self.arrays})

    def define(self) -> None:
        """A function is defined: its parameters are not known, nor whether its body ever runs."""
        self.parameters, self.defines = None, True

    def _brace(self, *, opens: bool) -> None:
        if opens:
            self.bodies.append(dict(self.env) if self.defines else None)
            self.defines = False
        elif self.bodies and (before := self.bodies.pop()) is not None:
            self.forget({name for name, value in self.env.items() if before.get(name) != value})

    def open(self) -> None:
        """A subshell begins: what it sets is forgotten at its end."""
        self.outside.append((self.depth, dict(self.env), dict(self.arrays)))

    def close(self) -> None:
        """A bracket closes: the end of a subshell, or of a pattern of `case`, which is one level deeper."""
        if self.outside and self.outside[-1][0] == self.depth:
            _, self.env, self.arrays = self.outside.pop()

    def _without_keywords(self, words: list[Word]) -> list[Word]:
        while words and words[0].text in _SKIPPED:
            keyword, words = words[0].text, words[1:]
            self.depth += (keyword in _OPENING) - (keyword in _CLOSING)
            if keyword == "function":
                self.depth -= 1
                self.define()
            if keyword in ("{", "}"):
                self._brace(opens=keyword == "{")
            if keyword in ("for", "select") and words:
                self.forget({words[0].text})
        return words
