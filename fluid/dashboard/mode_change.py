"""Setting the mode from the page: as `fluid mode` does, with an outcome that a browser can show."""

from collections.abc import Sequence

from fluid.bus.protocol import Bus
from fluid.client import ClusterSnapshot, set_mode
from fluid.dashboard.asking import Outcome
from fluid.errors import BrokerError
from fluid.messages.control import Mode
from fluid.topics import Topics

_TIMEOUT_S = 5.0


def change_mode(
    buses: Sequence[Bus], topics: Topics, wanted: Mode, *, timeout_s: float = _TIMEOUT_S
) -> Outcome:
    """Say the operator's word, and wait until the leader has taken it up."""
    try:
        snapshot = set_mode(buses, topics, wanted, timeout_s=timeout_s)
    except BrokerError as error:
        return _failed(502, "broker", str(error))
    return judge(snapshot, wanted)


def judge(snapshot: ClusterSnapshot, wanted: Mode) -> Outcome:
    """What became of the word."""
    state = snapshot.state
    if state is None or not snapshot.has_leader:
        return _failed(409, "no_leader", "no leader answers: is an agent running?")
    if state.operator_mode is not wanted:
        return _failed(
            504, "not_taken_up", f"leader {state.leader} has not taken up '{wanted}'; try again"
        )
    if wanted is not Mode.AUTO and state.mode is not wanted:
        return _failed(
            409,
            "not_followed",
            f"leader {state.leader} has taken up '{wanted}', but the mode is still {state.mode}",
        )
    return Outcome(200, {"mode": state.mode, "operator_mode": wanted, "leader": state.leader})


def _failed(status: int, code: str, message: str) -> Outcome:
    return Outcome(status, {"error": {"code": code, "message": message}})
