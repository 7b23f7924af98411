"""What a round does to the fleet, and how it is undone. Notes the moment of the fault."""

import time
from collections.abc import Callable
from contextlib import closing

from fluid.bus import LinkOptions, Message
from tests.chaos.plan import Fault, Round
from tests.integration.harness.fleet import Fleet
from tests.recorder import Recorder

# How long a killed device is away: the others have long taken over by then.
AWAY_S = 1.5
SILENT_S = 5.0


def carry_out(fleet: Fleet, round_: Round) -> float:
    """Let the fault happen and end; returns its moment, of the monotonic clock.

    Everything that was ended has been started again afterwards, but need not serve yet.
    """
    return _WAYS[round_.fault](fleet, round_)


def _kill(fleet: Fleet, round_: Round) -> float:
    victim = fleet[round_.victim]
    return _for_a_while(victim.kill, victim.start, lasting_s=AWAY_S)


def _silence(fleet: Fleet, round_: Round) -> float:
    victim = fleet[round_.victim]
    return _for_a_while(victim.suspend, victim.resume, lasting_s=SILENT_S)


def _for_a_while(begin: Callable[[], None], end: Callable[[], None], *, lasting_s: float) -> float:
    moment_s = time.monotonic()
    begin()
    time.sleep(lasting_s)
    end()
    return moment_s


def _restart(fleet: Fleet, round_: Round) -> float:
    """As a service manager does: SIGTERM, and a new process as soon as the old one has ended."""
    victim = fleet[round_.victim]
    moment_s = time.monotonic()
    status = victim.leave()
    assert status == 0, f"{round_.victim} has ended with status {status} on SIGTERM"
    victim.start()
    return moment_s


def _kill_broker(fleet: Fleet, _round: Round) -> float:
    moment_s = time.monotonic()
    fleet.broker.kill()
    fleet.broker.start()
    return moment_s


def _restart_broker(fleet: Fleet, _round: Round) -> float:
    moment_s = time.monotonic()
    fleet.broker.restart()
    return moment_s


def _switch(fleet: Fleet, round_: Round) -> float:
    recorder = Recorder(fleet.bus, LinkOptions("operator"))
    with closing(recorder.link):
        recorder.opened()
        moment_s = time.monotonic()
        recorder.publish(Message(fleet.topics.mode_set, round_.after.encode(), qos=1))
    return moment_s


def _kill_in_switch(fleet: Fleet, round_: Round) -> float:
    _switch(fleet, round_)
    time.sleep(round_.delay_s)
    return _kill(fleet, round_)


_WAYS: dict[Fault, Callable[[Fleet, Round], float]] = {
    Fault.KILL: _kill,
    Fault.SILENCE: _silence,
    Fault.RESTART: _restart,
    Fault.BROKER_KILL: _kill_broker,
    Fault.BROKER_RESTART: _restart_broker,
    Fault.SWITCH: _switch,
    Fault.KILL_IN_SWITCH: _kill_in_switch,
}
