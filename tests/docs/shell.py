"""Shell code, taken apart into the commands that it runs, as far as pages need it.

Not a shell: it knows quotes, comments, continued lines, here-documents, redirections, pipes, lists
and `$(...)`. Loops and functions come out as commands of unknown names, which nobody looks up.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_HERE_DOCUMENT = re.compile(r"<<-?\s*(['\"]?)(\w+)\1([^\n]*)\n.*?^\s*\2$", re.DOTALL | re.MULTILINE)
_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PREFIXES = frozenset({"sudo", "exec", "time", "env", "export", "!", "if", "then", "do", "while"})
_SEPARATORS = frozenset({";", "&", "&&", "|", "||", "(", ")", ";;", "|&"})
_PUNCTUATION = frozenset("();<>|&")


@dataclass(frozen=True, slots=True)
class Command:
    """program: as it is written. line: within the code, from 1."""

    program: str
    arguments: tuple[str, ...]
    line: int


def commands(code: str) -> Iterator[Command]:
    """The commands of a script, in order. Raises `ValueError` where a quotation does not end."""
    pending, begin = "", 1
    for number, line in enumerate(_HERE_DOCUMENT.sub(_blank, code).splitlines(), start=1):
        begin = begin if pending else number
        pending += line
        if pending.endswith("\\"):
            pending = f"{pending[:-1]} "
            continue
        try:
            words = _words(pending)
        except ValueError:  # a quotation goes on in the next line
            pending += "\n"
            continue
        yield from _split(words, begin)
        pending = ""
    if pending.strip():
        raise ValueError(f"line {begin}: a quotation does not end")


def _blank(document: re.Match[str]) -> str:
    """What follows the mark of a here-document, and empty lines in its place."""
    return document[3] + "\n" * document[0].count("\n")


def _words(line: str) -> list[str]:
    # shlex would take a # within a word for a comment; the shell wants white space before it.
    lexer = shlex.shlex(_without_comment(line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def _without_comment(line: str) -> str:
    """A line as far as the first # that begins a word, outside of quotes."""
    quote = ""
    for at, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#" and (at == 0 or line[at - 1].isspace()):
            return line[:at]
    return line


def _split(words: list[str], line: int) -> Iterator[Command]:
    current: list[str] = []
    skip = False
    for word in [*words, ";"]:
        for inner in _SUBSTITUTION.findall(word):
            yield from _split(_words(inner), line)
        if skip:
            skip = False
        elif word in _SEPARATORS:
            yield from _command(current, line)
            current = []
        elif word and set(word) <= _PUNCTUATION:  # a redirection, and the file after it
            if current and current[-1] in ("1", "2"):
                current.pop()
            skip = True
        else:
            current.append(word)


def _command(words: list[str], line: int) -> Iterator[Command]:
    while words and (words[0] in _PREFIXES or _ASSIGNMENT.match(words[0])):
        words = words[1:]
    if words:
        yield Command(words[0], tuple(words[1:]), line)
