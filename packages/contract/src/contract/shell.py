"""Reads a shell script as far as it says which commands run with which words; nothing is executed or guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contract.words import HOLE

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[0-9@*#])(?:(:?[-+=?])(.*))?\}", re.DOTALL)
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_OPENING = frozenset({"if", "for", "while", "until", "case", "select", "function"})
_CLOSING = frozenset({"fi", "done", "esac"})
_SKIPPED = frozenset({"then", "else", "elif", "do", "{", "}", "(", ")", "!", "time"}) | _OPENING | _CLOSING
_DECLARING = frozenset({"export", "declare", "local", "readonly", "typeset"})
_OPERATORS = frozenset(";&|()\n")
_LONGEST = 65_536


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
class _Reader:
    """A cursor over a script; every branch moves it on, so reading ends."""

    text: str
    env: dict[str, str]
    parameters: Sequence[str] = ()
    at: int = 0
    words: list[Word] = field(default_factory=list)
    part: str | None = None
    split: bool = False
    depth: int = 0
    commands: list[Command] = field(default_factory=list)

    def read(self) -> list[Command]:
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            self._take(char)
        self._end_command()
        return self.commands

    def _take(self, char: str) -> None:
        if char == "\\":
            self._escape()
        elif char == "'":
            self._add(self._until("'"))
        elif char == '"':
            self._double()
        elif char == "$":
            self._dollar(quoted=False)
        elif char == "`":
            self._until("`")
            self._hole(quoted=False)
        elif char == "#" and self.part is None:
            self._comment()
        elif char in "<>":
            self._redirect(char)
        elif char in _OPERATORS:
            self._end_command()
        elif char.isspace():
            self._end_word()
        else:
            self._add(char)

    def _add(self, text: str) -> None:
        self.part = (self.part or "") + text

    def _until(self, end: str) -> str:
        stop = self.text.find(end, self.at)
        stop = len(self.text) if stop < 0 else stop
        found, self.at = self.text[self.at : stop], stop + 1
        return found

    def _escape(self) -> None:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        if char == "\r" and self.text[self.at : self.at + 1] == "\n":
            self.at += 1
        elif char != "\n":
            self._add(char)

    def _comment(self) -> None:
        stop = self.text.find("\n", self.at)
        self.at = len(self.text) if stop < 0 else stop

    def _double(self) -> None:
        self._add("")
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == '"':
                return
            if char == "\\":
                self._escape_quoted()
            elif char == "$":
                self._dollar(quoted=True)
            elif char == "`":
                self._until("`")
                self._hole(quoted=True)
            else:
                self._add(char)

    def _escape_quoted(self) -> None:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        if char != "\n":
            self._add(char if char in '$`"\\' else f"\\{char}")

    def _dollar(self, *, quoted: bool) -> None:
        rest = self.text[self.at :]
        if rest.startswith("'") and not quoted:
            self.at += 1
            self._add(self._until("'"))
        elif rest.startswith("("):
            self._skip("(", ")")
            self._hole(quoted=quoted)
        elif rest.startswith("{"):
            start = self.at
            self._skip("{", "}")
            self._expand(_BRACED.fullmatch(self.text[start : self.at]), quoted=quoted)
        elif name := _NAME.match(rest):
            self.at += name.end()
            self._value(self.env.get(name.group(), HOLE), quoted=quoted)
        elif rest[:1] in ("@", "*"):
            self.at += 1
            self._all_parameters()
        elif rest[:1] and rest[0] in "0123456789#?$!-":
            self.at += 1
            self._hole(quoted=quoted)
        else:
            self._add("$")

    def _skip(self, opening: str, closing: str) -> None:
        depth = 0
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            depth += (char == opening) - (char == closing)
            if depth == 0:
                return

    def _expand(self, match: re.Match[str] | None, *, quoted: bool) -> None:
        """`${VAR}` and `${VAR:-default}`; every other form is a hole."""
        if match is None or (match.group(2) or "-").strip(":") not in "-=":
            self._hole(quoted=quoted)
            return
        name, form, default = match.groups()
        if name in ("@", "*"):
            self._all_parameters()
            return
        value = self.env.get(name, HOLE)
        # Set elsewhere, perhaps by the image, a variable wins over its default: only an entry here tells.
        if form and form.startswith(":") and value == "":
            inner = read(default, self.env)
            value = inner[0].words[0].text if len(inner) == 1 and len(inner[0].words) == 1 else HOLE
        self._value(value, quoted=quoted)

    def _value(self, value: str, *, quoted: bool) -> None:
        if quoted:
            self._add(value)
            return
        pieces = value.split()
        if value[:1].isspace():
            self._end_word()
        for index, piece in enumerate(pieces):
            if index:
                self._end_word()
            self._add(piece)
            self.split = self.split or HOLE in piece
        if pieces and value[-1:].isspace():
            self._end_word()

    def _hole(self, *, quoted: bool) -> None:
        self._value(HOLE, quoted=quoted)

    def _all_parameters(self) -> None:
        for index, parameter in enumerate(self.parameters):
            if index:
                self._end_word()
            self._add(parameter)

    def _redirect(self, char: str) -> None:
        """The target of a redirection is no argument."""
        if self.part is not None and self.part.isdigit():
            self.part = None
        while self.text[self.at : self.at + 1] in ("<", ">", "&", "|"):
            self.at += 1
        self._end_word()
        kept = list(self.words)
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1
        while self.at < len(self.text) and not self.text[self.at].isspace() and self.text[self.at] not in _OPERATORS:
            char = self.text[self.at]
            self.at += 1
            self._take(char)
        self._end_word()
        self.words = kept

    def _end_word(self) -> None:
        if self.part is not None:
            self.words.append(Word(self.part, self.split))
        self.part, self.split = None, False

    def _end_command(self) -> None:
        self._end_word()
        words, self.words = self.words, []
        words = self._without_keywords(words)
        local = dict(self.env)
        declares = False
        while words and (words[0].text in _DECLARING or _ASSIGNMENT.fullmatch(words[0].text)):
            declares = declares or words[0].text in _DECLARING
            if match := _ASSIGNMENT.fullmatch(words[0].text):
                # What a branch sets is not known after it.
                local[match.group(1)] = HOLE if self.depth else match.group(2)
            words = words[1:]
        if words and not declares:
            self.commands.append(Command(tuple(words), local))
            return
        self.env = local

    def _without_keywords(self, words: list[Word]) -> list[Word]:
        while words and words[0].text in _SKIPPED:
            self.depth += (words[0].text in _OPENING) - (words[0].text in _CLOSING)
            words = words[1:]
        return words


def read(script: str, env: Mapping[str, str], parameters: Sequence[str] = ()) -> list[Command]:
    """The simple commands of a script, in order, whichever branch they stand in."""
    return _Reader(script[:_LONGEST], dict(env), parameters).read()
