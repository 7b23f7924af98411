"""Ledgers of `a` and of others, and requests whose key belongs to whom we want."""

from collections.abc import Mapping

from edge_agent.core.effects import Effect, SendReply
from edge_agent.core.events import RequestFault
from edge_agent.core.ledger import Ledger
from edge_agent.core.team import rendezvous
from fluid.errors import ErrorCode
from fluid.messages import Done
from tests.unit.edge_agent.making import one_of, request, settings, team

ALONE = {"lower": ["a"], "upper": []}
PAIR = {"lower": ["a"], "upper": ["b"]}
TRIO = {"lower": ["a"], "upper": ["b", "c"]}
FAULT = RequestFault(ErrorCode.NOT_AN_IMAGE, "no image")


def ledger_of(
    holders: Mapping[str, list[str]],
    *,
    me: str = "a",
    members: tuple[str, ...] = (),
    in_flight: int = 64,
) -> Ledger:
    ledger = Ledger(settings(me, in_flight=in_flight))
    ledger.team_changed(team(me, holders, members=members), 0.0)
    return ledger


def name_where(**winners: str) -> str:
    """The name of a request whose key belongs to these: `abc="a"` says, of a, b and c to a."""
    for number in range(1000):
        key = request(str(number)).key
        if all(rendezvous(key, tuple(group)) == winner for group, winner in winners.items()):
            return str(number)
    raise LookupError(winners)


def names_of(winner: str) -> list[str]:
    """Several names of requests whose key belongs, of a and b, to this one."""
    keys = ((name, request(name).key) for name in map(str, range(200)))
    return [name for name, key in keys if rendezvous(key, ("a", "b")) == winner]


OURS = name_where(ab="a")
THEIRS = name_where(ab="b")


def done(*names: str, settled: bool = False) -> Done:
    return Done(tuple(request(name).key for name in names), settled=settled)


def confirm(ledger: Ledger, effects: list[Effect], now: float = 1.0) -> list[Effect]:
    """The broker has the reply among these effects."""
    return ledger.confirmed(one_of(effects, SendReply).token, now, accepted=True)
