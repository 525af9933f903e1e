"""Reads a shell script as far as it says which commands run with which words; nothing is executed or guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contract.shellstate import ASSIGNMENT, DECLARING, Command, State, Word
from contract.words import HOLE

__all__ = ["Command", "Word", "read"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[0-9@*#])(?:(:?[-+=?])(.*))?\}", re.DOTALL)
_ARRAY = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\[[@*]\]\}")
_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_HERE = re.compile(r"<-?[ \t]*(['\"]?)\\?([^\s;&|<>()'\"]+)\1")
_FUNCTION = re.compile(r"[ \t]*\)")
_ARITHMETIC = re.compile(r"\([^\n]*?\)\)")
_OPERATORS = frozenset(";&|()\n")
_LONGEST = 65_536


@dataclass
class _Reader:
    """A cursor over a script; every branch moves it on, so reading ends."""

    text: str
    state: State
    at: int = 0
    words: list[Word] = field(default_factory=list)
    part: str | None = None
    split: bool = False
    here: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    def read(self) -> list[Command]:
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            self._take(char)
        self._end_command("\n")
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
            self._operator(char)
        elif char.isspace():
            self._end_word()
        else:
            self._add(char)
            self.split = self.split or char == HOLE

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
            self._braced(self.text[start : self.at], quoted=quoted)
        elif name := _NAME.match(rest):
            self.at += name.end()
            self._value(self.state.env.get(name.group(), HOLE), quoted=quoted)
        elif rest[:1] in ("@", "*"):
            self.at += 1
            self._spread(self.state.parameters)
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

    def _braced(self, text: str, *, quoted: bool) -> None:
        if array := _ARRAY.fullmatch(text):
            self._spread(self.state.arrays.get(array.group(1)))
        elif "[@]" in text or "[*]" in text:
            self._spread(None)
        else:
            self._expand(_BRACED.fullmatch(text), quoted=quoted)

    def _expand(self, match: re.Match[str] | None, *, quoted: bool) -> None:
        """`${VAR}` and `${VAR:-default}`; every other form is a hole."""
        if match is None or (match.group(2) or "-").strip(":") not in "-=":
            self._hole(quoted=quoted)
            return
        name, form, default = match.groups()
        if name in ("@", "*"):
            self._spread(self.state.parameters)
            return
        value = self.state.env.get(name, HOLE)
        # Set elsewhere, perhaps by the image, a variable wins over its default: only an entry here tells.
        if form and form.startswith(":") and value == "":
            inner = read(default, self.state.env)
            value = inner[0].words[0].text if len(inner) == 1 and len(inner[0].words) == 1 else HOLE
        self._value(value, quoted=quoted)

    def _value(self, value: str, *, quoted: bool) -> None:
        if quoted or self._assigns():
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

    def _assigns(self) -> bool:
        """Whether the word is an assignment, whose value the shell leaves in one piece."""
        before = all(w.text in DECLARING or ASSIGNMENT.fullmatch(w.text) for w in self.words)
        return before and _ASSIGNED.match(self.part or "") is not None

    def _spread(self, words: Sequence[Word] | None) -> None:
        """`"$@"` and `"${NAME[@]}"`: one word for each, any number where they are not known."""
        if not words:
            self.part = self.part or (None if words is not None else HOLE)
            self.split = self.split or words is None
            return
        for index, word in enumerate(words):
            if index:
                self._end_word()
            self._add(word.text)
            self.split = self.split or word.split

    def _operator(self, char: str) -> None:
        if char == "(" and (assigned := _ASSIGNED.fullmatch(self.part or "")):
            self._array(*assigned.groups())
            return
        if char == "(" and (function := _FUNCTION.match(self.text, self.at)) and (self.part or self.words):
            self.state.define()
            self.at = function.end()
        elif char == "(" and (arithmetic := _ARITHMETIC.match(self.text, self.at)):
            self.state.forget(set(_NAME.findall(arithmetic.group())))
            self.at = arithmetic.end()
        elif char == "(":
            self.state.open()
        if char in "&|" and self.text[self.at : self.at + 1] == char:
            self.at += 1
            char += char
        self._end_command(char)
        if char == ")":
            self.state.close()
        while char == "\n" and self.here:
            self._here_document(self.here.pop(0))

    def _array(self, name: str, more: str) -> None:
        """`NAME=(…)`, up to the closing bracket."""
        kept, self.words, self.part = self.words, [], None
        while self.at < len(self.text) and self.text[self.at] != ")":
            char = self.text[self.at]
            self.at += 1
            if char.isspace():
                self._end_word()
            else:
                self._take(char)
        self.at += 1
        self._end_word()
        self.state.array(name, tuple(self.words), more=bool(more))
        first = self.words[0].text if self.words else ""
        self.words = [*kept, Word(f"{name}={first}")]

    def _here_document(self, end: str) -> None:
        """Its lines are no commands."""
        while self.at < len(self.text):
            if self._until("\n").strip() == end:
                return

    def _redirect(self, char: str) -> None:
        """The target of a redirection is no argument."""
        if char == "<" and (here := _HERE.match(self.text, self.at)):
            self.at = here.end()
            self._end_word()
            self.here.append(here.group(2))
            return
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

    def _end_command(self, operator: str) -> None:
        self._end_word()
        words, self.words = self.words, []
        if command := self.state.end(words, operator):
            self.commands.append(command)


def read(script: str, env: Mapping[str, str], parameters: Sequence[str] = ()) -> list[Command]:
    """The simple commands of a script, in order, whichever branch they stand in."""
    return _Reader(script[:_LONGEST], State(dict(env), tuple(Word(p) for p in parameters))).read()
