"""One deliberate bug for each invariant, to show that the simulation would find it.

Planted only by the runner, and only where FLUID_SIM_BUG names one. Each replaces a piece of the
production code; which invariant it breaks is in `BUGS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from edge_agent.core import (
    adoption,
    answers,
    cluster,
    identity,
    leadership,
    node,
    progress,
    serving,
)
from edge_agent.core.effects import Ack, Effect, SendReply
from edge_agent.core.events import Event, RequestArrived, RequestFault
from edge_agent.wire import Wire
from fluid.bus import Message
from fluid.bus.rota import BrokerRota
from fluid.client.window import RequestWindow, Settled
from fluid.errors import ErrorCode
from fluid.submodel import Logits

VARIABLE = "FLUID_SIM_BUG"


@dataclass(frozen=True, slots=True)
class Bug:
    """breaks: the name of the invariant that finds it."""

    breaks: str
    plant: Callable[[], None]


def plant() -> None:
    """Plant the bug that the environment asks for, if any."""
    if name := os.environ.get(VARIABLE):
        BUGS[name].plant()


def prefix() -> str:
    """What a command needs in front to meet the same bug."""
    name = os.environ.get(VARIABLE)
    return f"{VARIABLE}={name} " if name else ""


def _every_claim_counts() -> None:
    """Whoever claims a term takes it, whether or not another claimed it first."""

    def is_stale(_self: object, _state: object, **_how: object) -> bool:
        return False

    _set(leadership.Leadership, "_is_stale", is_stale)


def _acknowledge_at_arrival() -> None:
    """A request is acknowledged when it arrives: with its device it is lost."""
    step = node.Node.step

    def hasty(self: node.Node, event: Event, now: float) -> tuple[Effect, ...]:
        effects = step(self, event, now)
        return (*effects, Ack(event.ack_id)) if isinstance(event, RequestArrived) else effects

    _set(node.Node, "step", hasty)


def _answer_under_another_id() -> None:
    """An answer that is given late carries the id of a request that nobody sent."""
    reply = Wire.reply

    def misnamed(self: Wire, effect: Any) -> Message:
        message = reply(self, effect)
        if message.correlation is None or not message.correlation.endswith(b"7"):
            return message
        return replace(message, correlation=message.correlation + b"0")

    _set(Wire, "reply", misnamed)


def _add_logits_in_half_precision() -> None:
    """The combining device adds with too few bits."""
    combine = _get(answers, "combine")

    def coarse(parts: list[Logits]) -> Logits:
        rough: Logits = combine([part.astype("float16").astype("float32") for part in parts])
        return rough

    _set(answers, "combine", coarse)


def _drop_a_share_silently() -> None:
    """A complete answer is given from its first share, and not marked."""
    build_results = _get(progress, "build_results")

    def careless(request: Any, contributions: Any, **others: Any) -> Any:
        if request.minimum is not None:
            return build_results(request, contributions, **others)
        kept = dict([next(iter(contributions.items()))])
        return build_results(request, kept, **others)

    _set(progress, "build_results", careless)


def _never_place_again() -> None:
    """A leader keeps its first placement, whoever comes or goes."""
    place = cluster.Cluster._place
    placed: dict[int, Any] = {}

    def once(self: cluster.Cluster, *arguments: Any, **options: Any) -> Any:
        return placed.setdefault(id(self), place(self, *arguments, **options))

    _set(cluster.Cluster, "_place", once)


def _never_take_leadership_back() -> None:
    """Whoever hears of a leader follows it, however much better it is itself."""
    should_claim = leadership.Leadership.should_claim

    def modest(self: leadership.Leadership, *arguments: Any, **options: Any) -> bool:
        return self.state is None and should_claim(self, *arguments, **options)

    _set(leadership.Leadership, "should_claim", modest)


def _stay_in_the_old_mode() -> None:
    """A device serves on in the mode in which it began."""
    want = serving.Serving.want

    def stubborn(self: serving.Serving, mode: Any, **options: Any) -> list[Effect]:
        if mode is not None and self.mode is not None:
            return []
        return want(self, mode, **options)

    _set(serving.Serving, "want", stubborn)


def _never_adopt() -> None:
    """Nobody looks after the sessions of the dead."""

    def idle(_self: object, *_arguments: Any, **_options: Any) -> list[Effect]:
        return []

    _set(adoption.Adoptions, "update", idle)


def _ignore_who_has_the_name() -> None:
    """Of two processes under one id, neither goes."""

    def is_taken(_self: object, _heartbeat: object) -> bool:
        return False

    _set(identity.Identity, "is_taken", is_taken)


def _give_every_answer() -> None:
    """The library passes second answers on to its caller."""
    answered = RequestWindow.answered

    def generous(self: RequestWindow, request_id: str, now: float) -> Settled:
        settled = answered(self, request_id, now)
        return settled or Settled(request_id, 0.0, 0)

    _set(RequestWindow, "answered", generous)


def _add_an_error() -> None:
    """After a result comes an error as well."""
    step = node.Node.step
    tokens = count(1_000_000)

    def wavering(self: node.Node, event: Event, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for effect in step(self, event, now):
            effects.append(effect)
            if isinstance(effect, SendReply):
                fault = RequestFault(ErrorCode.WRONG_SHAPE, "on second thoughts")
                error = answers.build_error(effect.request, fault)
                effects.append(SendReply(effect.request, error, as_list=False, token=next(tokens)))
        return effects

    _set(node.Node, "step", wavering)


def _write_empty_notes() -> None:
    """An attempt note names nothing, so nobody ever knows what brought a device down."""
    attempt = Wire.attempt

    def mute(self: Wire, effect: Any) -> Message:
        return replace(attempt(self, effect), payload=b"")

    _set(Wire, "attempt", mute)


def _ignore_the_operator() -> None:
    """The mode follows votes and load alone."""

    def deaf(_self: object, _mode: object) -> None:
        pass

    _set(cluster.Cluster, "wish", deaf)


def _keep_the_first_bundle() -> None:
    """A bundle that is found at run time is not run."""

    def content(_self: object, *_arguments: object) -> list[Effect]:
        return []

    _set(node.Node, "_switch_bundle", content)


def _forget_the_minimum() -> None:
    """Whatever is there is enough."""

    def enough(*_arguments: object) -> bool:
        return True

    _set(progress, "covers", enough)


def _stay_at_the_fallback() -> None:
    """Who has found another broker stays there."""

    def nowhere(_self: object) -> None:
        return None

    _set(BrokerRota, "preferred", property(nowhere))


def _set(owner: object, name: str, value: object) -> None:
    """Replace a piece of production code, which must be there."""
    _get(owner, name)
    setattr(owner, name, value)


def _get(owner: object, name: str) -> Any:
    return getattr(owner, name)


BUGS = {
    "every_claim_counts": Bug("one_leader_a_term", _every_claim_counts),
    "acknowledge_at_arrival": Bug("every_accepted_request_gets_a_result", _acknowledge_at_arrival),
    "answer_under_another_id": Bug("no_answer_without_a_request", _answer_under_another_id),
    "add_logits_in_half_precision": Bug(
        "equal_subnetworks_give_equal_answers", _add_logits_in_half_precision
    ),
    "drop_a_share_silently": Bug("full_strength", _drop_a_share_silently),
    "never_place_again": Bug("every_slot_is_held", _never_place_again),
    "never_take_leadership_back": Bug("all_agree_on_the_leader", _never_take_leadership_back),
    "stay_in_the_old_mode": Bug("mode_is_as_decided", _stay_in_the_old_mode),
    "never_adopt": Bug("nothing_is_left_behind", _never_adopt),
    "ignore_who_has_the_name": Bug("each_id_has_one_process", _ignore_who_has_the_name),
    "give_every_answer": Bug("library_gives_each_answer_once", _give_every_answer),
    "write_empty_notes": Bug("poison_stops", _write_empty_notes),
    "ignore_the_operator": Bug("mode_is_as_wished", _ignore_the_operator),
    "keep_the_first_bundle": Bug("all_serve_the_last_bundle", _keep_the_first_bundle),
    "forget_the_minimum": Bug("answers_are_as_wished", _forget_the_minimum),
    "stay_at_the_fallback": Bug("all_are_at_the_preferred_broker", _stay_at_the_fallback),
    "add_an_error": Bug("no_second_kind_of_answer", _add_an_error),
}
