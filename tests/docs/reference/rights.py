"""Who may write and read a topic, as the access lists that we ship say."""

import re
from dataclasses import dataclass
from functools import cache

from fluid.bus.rules import matches
from tests.docs.pages import ROOT

_RULE = re.compile(r"^(pattern|topic) (readwrite|read|write) (\S+)$")
_USER = re.compile(r"^user (\S+)$")


@dataclass(frozen=True, slots=True)
class Rule:
    """user: whom it is for; "" for everybody of its file."""

    user: str
    access: str
    pattern: str


@cache
def rules(file: str) -> tuple[Rule, ...]:
    """Of one of the access lists in broker/."""
    user, found = "", []
    for line in (ROOT / "broker" / file).read_text(encoding="utf-8").splitlines():
        if (named := _USER.match(line)) is not None:
            user = named[1]
        elif (rule := _RULE.match(line)) is not None:
            found.append(Rule("" if rule[1] == "pattern" else user, rule[2], rule[3]))
    return tuple(found)


def may(file: str, user: str, access: str, topic: str) -> bool:
    """access: "read" or "write"."""
    return any(
        access in rule.access
        and rule.user in ("", user)
        and matches(rule.pattern.replace("%u", user), topic)
        for rule in rules(file)
    )


def told(file: str, user: str, own: str, other: str) -> str:
    """What a user may do on its own topic of a kind and on somebody else's, in words."""
    words = []
    for access, verb in (("write", "writes"), ("read", "reads")):
        on_own, on_other = (may(file, user, access, topic) for topic in (own, other))
        if on_own or on_other:
            whose = "" if own == other else " all" if on_own and on_other else " its own"
            words.append(f"{verb}{whose}")
    return ", ".join(words) or "-"
