"""What must hold, by name. Each yields what shows that it does not.

SAFETY holds at every moment, whatever happens; the first of all, `one_leader_a_term`, is watched
by `World` after every step. SETTLED holds once faults have ended and some time has passed.
FULL_STRENGTH holds of requests that are sent after that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from itertools import product

import numpy as np

from edge_agent.core.answers import softmax
from edge_agent.core.edition import Edition
from fluid.errors import ErrorCode
from fluid.messages import ClusterState, ErrorReply, Mode, Reply, Result
from fluid.submodel import combine
from tests.simulation.bundle import edition_of, simulated_logits, simulated_run
from tests.simulation.clients import Client, LibraryClient, PlainClient
from tests.simulation.device import Device
from tests.simulation.violation import Violation
from tests.simulation.world import World

Invariant = Callable[[World], Iterator[str]]

# Switched on once devices get in step again where a share takes longer than `Timing.brief_s`.
SLOW_NETWORKS_GET_IN_STEP = False
_EXECUTORS_OF_POISON = 2
# What a request that wishes for something may be told.
_UNFULFILLED = (
    ErrorCode.UNKNOWN_SUBNETWORK,
    ErrorCode.SUBNETWORK_UNAVAILABLE,
    ErrorCode.DEADLINE_MISSED,
)
_CLOCK_TOLERANCE_MS = 1.0
# Switched on once the highest term outlives an orderly stop of the broker even if all who know it
# are down then: the wills that it publishes say the term of when their links were opened, and the
# retained state may be that of an older leader for as long as `Timing.claim_gap_s`.
TERMS_OUTLIVE_A_RESTART = False


# --- safety ---------------------------------------------------------------------------------


def no_answer_without_a_request(world: World) -> Iterator[str]:
    """Nobody is answered what was not asked; equal requests without ids at least as often as the
    broker took them, and no client hears another's answers."""
    for client in world.clients:
        for request_id in client.answers.keys() - client.sent.keys():
            yield f"{client.name} got an answer to {request_id}, which it never sent"


def equal_subnetworks_give_equal_answers(world: World) -> Iterator[str]:
    """What a sub-network says of an image depends neither on who ran it nor on when. So two
    results of one request agree wherever they say that they come from the same sub-network of the
    same bundle, and never is anything of two bundles added."""
    for client, request_id, reply in _results(world):
        payload = client.sent.get(request_id)
        if payload is None:
            continue
        if edition_of(reply.bundle) is None:
            yield f"{request_id} was answered by the unknown bundle {reply.bundle}"
            continue
        expected, label = _expected(reply.bundle, reply.subnetwork, payload)
        if (reply.probabilities, reply.label) != (expected, label):
            yield f"{request_id}: {reply.subnetwork} of {reply.devices} gave other logits"


def answers_are_as_wished(world: World) -> Iterator[str]:
    """An answer covers the least sub-network that was asked for: in each of its slots a stage that
    is at least as wide."""
    for client, request_id, reply in _results(world):
        wishes, edition = client.wishes.get(request_id), edition_of(reply.bundle)
        if wishes is None or wishes.min_subnetwork is None or edition is None:
            continue
        stages = {each.name: each.stages for each in edition.manifest.subnetworks}
        # The simulated bundles have no two sub-networks of the same slots.
        slots = {
            name: {edition.manifest.stage(each).slot for each in stages[name]}
            for name in (wishes.min_subnetwork, reply.subnetwork)
        }
        if not slots[wishes.min_subnetwork] <= slots[reply.subnetwork]:
            yield f"{request_id} asked for {wishes.min_subnetwork} and got {reply.subnetwork}"


def no_second_kind_of_answer(world: World) -> Iterator[str]:
    """A request that got a result gets no error as well.

    Not held against the cluster where two devices went down while they ran the request
    (`_is_worn_out`): of an HA request each device has a copy, and one copy may be worn out while
    another is answered. Nor where something was wished for that the one could give and the other
    could not, or one device knew of nobody who could run it with it.
    """
    for client in world.clients:
        for request_id, replies in client.answers.items():
            kinds = {type(reply) for reply in replies}
            wishes = request_id in client.wishes
            excused = wishes or _is_unrunnable(replies)
            if len(kinds) > 1 and not excused and not _is_worn_out(world, client, request_id):
                yield f"{request_id} got a result and an error"


def library_gives_each_answer_once(world: World) -> Iterator[str]:
    """A client of the library sees one answer to each request, however many come."""
    for client in world.clients:
        if isinstance(client, LibraryClient):
            for request_id, count in client.given.items():
                if count > 1:
                    yield f"{request_id} was answered {count} times to its caller"


# --- once all is settled --------------------------------------------------------------------


def every_accepted_request_gets_a_result(world: World) -> Iterator[str]:
    """What the broker confirmed, and had somebody for, is answered with a result.

    A library client must get an answer to all it sent. A plain client knows nothing of what was
    not confirmed. An error is an answer only where it is worn out, or says that a wish cannot be
    fulfilled. Where the broker itself
    forgets what it confirmed, or drops it for want of room, only library clients are asked:
    `story` gives such worlds no others.
    """
    for client in world.clients:
        for request_id in client.lost():
            yield f"{request_id}, sent at {client.sent_at[request_id]:.3f}, has no answer"
        if isinstance(client, PlainClient) and client.still_answered < client.still_accepted:
            missing = client.still_accepted - client.still_answered
            yield f"{missing} equal requests of {client.name} have no answer"
        for request_id, replies in client.answers.items():
            first = replies[0]
            if request_id in client.wishes and getattr(first, "code", None) in _UNFULFILLED:
                continue
            if _is_unrunnable(replies):
                continue  # `full_strength` says when nothing excuses it
            if isinstance(first, ErrorReply) and not _is_worn_out(world, client, request_id):
                yield f"{request_id} got the error {first.code}"


def all_agree_on_the_leader(world: World) -> Iterator[str]:
    """The retained state names the best that is up, by priority and id, and all that are up as
    members; and everybody follows that very state."""
    state, up = world.cluster(), world.up()
    if state is None:
        yield "there is no cluster state"
        return
    best = min(up, key=lambda device: (-device.role.priority, device.agent)).agent
    if state.leader != best:
        yield f"{state.leader} leads, but {best} is the best"
    if state.members != tuple(device.agent for device in up):
        yield f"members are {state.members}, but {[device.agent for device in up]} are up"
    if not any(device.node.leads for device in up if device.agent == best):
        yield f"{best} is the best and does not know that it leads"
    for device in up:
        if device.node.cluster_state != state:
            yield f"{device.agent} follows another state than the retained one"


def each_id_has_one_process(world: World) -> Iterator[str]:
    """Of two processes under one id, one ends and one stays."""
    ids = Counter(device.agent for device in world.up())
    for agent, count in ids.items():
        if count > 1:
            yield f"{count} processes serve as {agent}"
    for agent in world.helped_up - ids.keys():
        yield f"nobody serves as {agent}"


def mode_is_as_decided(world: World) -> Iterator[str]:
    """Everybody hears the requests of the mode that the state names."""
    state = world.cluster()
    for device in world.up():
        if state is not None and device.node.serving_mode is not _mode_of(device, state):
            yield f"{device.agent} serves in {device.node.serving_mode}, not in {state.mode}"


def every_slot_is_held(world: World) -> Iterator[str]:
    """By members only, each of which holds one; and no slot is free that could be held."""
    state = world.cluster()
    if state is None:
        return
    holders = {agent for agents in state.placement.values() for agent in agents}
    if holders != set(state.members):
        yield f"members {state.members} hold {dict(state.placement)}"
    slots = world.bundle.manifest.slots
    held = [slot for slot in slots if state.placement.get(slot)]
    if len(held) < (most := _most_slots(world, state.members)):
        yield f"{most} slots could be held, and only {held} are"


def all_are_at_the_preferred_broker(world: World) -> Iterator[str]:
    """Devices and clients, once it can be reached."""
    for device in world.up():
        if device.broker:
            yield f"{device.agent} is at the fallback broker"
    for client in world.clients:
        if isinstance(client, LibraryClient) and client.line.name != "broker 0":
            yield f"{client.name} is at the fallback broker"


def all_serve_the_last_bundle(world: World) -> Iterator[str]:
    """What was copied last to every device is what they all run."""
    for device in world.up():
        if device.digest != world.bundle.digest:
            yield f"{device.agent} serves another bundle than {world.bundle.manifest.name}"


def nothing_is_left_behind(world: World) -> Iterator[str]:
    """No device holds a request, and no device's session at the broker hides one."""
    for device in world.up():
        if device.node.held_requests:
            yield f"{device.agent} still holds {device.node.held_requests} requests"
    for agent in world.devices:
        if backlog := world.broker.backlog(f"fluid:{agent}"):
            yield f"the session of {agent} hides {backlog} messages"


# --- once all is settled, of what is sent then ------------------------------------------------


def full_strength(
    world: World, requests: Collection[str], mode: Mode, *, strict: bool
) -> Iterator[str]:
    """In HA an answer comes from every slot that is held, or says that it is degraded. In HT it
    comes from one device.

    strict: no answer is degraded. Devices that were out of step are waited for briefly until they
    do their part again, so the first answers may be.
    """
    state = world.cluster()
    assert state is not None
    whole = _widest(world.bundle, state)
    if whole is not None and strict:
        yield from _unrunnable(world, requests)
    for client, request_id, reply in _results(world):
        if request_id not in requests:
            continue
        wishes = client.wishes.get(request_id)
        if not world.bundle.digest.startswith(reply.bundle):
            yield f"{request_id} was answered by another bundle than the last"
        elif wishes is not None and wishes.deadline_s is not None:
            spent_ms = reply.queue_ms + reply.compute_ms
            if mode is Mode.HA and spent_ms > wishes.deadline_s * 1000 + _CLOCK_TOLERANCE_MS:
                yield f"{request_id} was answered after {spent_ms:.0f} ms"
        elif reply.mode is not mode:
            yield f"{request_id} was answered in {reply.mode}, not in {mode}"
        elif mode is Mode.HA and reply.subnetwork != whole and (strict or not reply.degraded):
            yield f"{request_id} was answered by {reply.subnetwork}, not by {whole}"
        elif mode is Mode.HT and len(reply.devices) != 1:
            yield f"{request_id} was answered by {reply.devices}"


def poison_stops(world: World) -> Iterator[str]:
    """A request that kills whoever runs it is not passed on for ever: two devices die of it at the
    most, where each of them has a copy each device twice; and it gets an error."""
    for client in world.clients:
        for request_id, payload in client.sent.items():
            if payload not in world.poisons:
                continue
            deaths = Counter(world.poisoned.get(payload, []))
            # A client of the library sends it again, which nobody knows to be the same.
            copies = client.sends[request_id] * _copies(world)
            if deaths.total() > _EXECUTORS_OF_POISON * copies:
                yield f"{deaths} died of {request_id}"
            replies = client.answers.get(request_id, [])
            if not all(isinstance(reply, ErrorReply) for reply in replies):
                yield f"{request_id} has a result"


SAFETY: tuple[Invariant, ...] = (
    no_answer_without_a_request,
    equal_subnetworks_give_equal_answers,
    library_gives_each_answer_once,
    no_second_kind_of_answer,
    answers_are_as_wished,
    poison_stops,
)
SETTLED: tuple[Invariant, ...] = (
    each_id_has_one_process,
    all_are_at_the_preferred_broker,
    all_agree_on_the_leader,
    all_serve_the_last_bundle,
    every_slot_is_held,
    mode_is_as_decided,
    nothing_is_left_behind,
    every_accepted_request_gets_a_result,
)


def first_violation(world: World, invariants: Iterable[Invariant]) -> Violation | None:
    """The first of these that does not hold now."""
    for invariant in invariants:
        for problem in invariant(world):
            return Violation(invariant.__name__, problem)
    return None


def expect(world: World, *invariants: Invariant) -> None:
    """Raise the first of these that does not hold now."""
    if violation := first_violation(world, invariants):
        raise violation


def expect_all(world: World) -> None:
    """Raise the first of all that does not hold now that faults have ended and time has passed."""
    expect(world, *SAFETY, *SETTLED)


def _results(world: World) -> Iterator[tuple[Client, str, Result]]:
    for client in world.clients:
        for request_id, replies in client.answers.items():
            for reply in replies:
                if isinstance(reply, Result):
                    yield client, request_id, reply


def _copies(world: World) -> int:
    """How many processes may have a copy of one request, impostors included."""
    return len(world.processes) if world.served_together else 1


def _most_slots(world: World, members: Collection[str]) -> int:
    """How many slots the members can hold at most, by what they were told at their start."""
    slots = world.bundle.manifest.slots
    holders = [
        [None, *(each for each in members if slot in (world.devices[each].build.pins or slots))]
        for slot in slots
    ]
    return max(
        sum(holder is not None for holder in held)
        for held in product(*holders)
        if all(
            held.count(agent) <= world.devices[agent].build.max_slots
            for agent in held
            if agent is not None
        )
    )


def _widest(edition: Edition, state: ClusterState) -> str | None:
    """The widest sub-network of the slots that are held; None: there is none."""
    manifest, graph = edition.manifest, edition.graph
    slots = tuple(slot for slot in manifest.slots if state.placement[slot])
    if graph is None:
        return manifest.subnetwork_name([manifest.widest_stage(slot).name for slot in slots])
    plan = graph.best(slots)
    return plan.subnetwork if plan else None


def _is_unrunnable(replies: Iterable[Reply]) -> bool:
    """Whether a request came when somebody was away whose slot all sub-networks need."""
    codes = {each.code for each in replies if isinstance(each, ErrorReply)}
    return ErrorCode.NOTHING_RUNNABLE in codes


def _unrunnable(world: World, requests: Collection[str]) -> Iterator[str]:
    """Of these, what nobody could run, although all are there again."""
    for client in world.clients:
        for request_id, replies in client.answers.items():
            if request_id in requests and _is_unrunnable(replies):
                yield f"{request_id} could not be run"


def _mode_of(device: Device, state: ClusterState) -> Mode | None:
    """What a device is to serve in a state: nothing, if it cannot answer alone and has to."""
    edition = edition_of(device.digest)
    if state.mode is Mode.HA or edition is None or edition.graph is None:
        return state.mode
    return state.mode if edition.graph.best(state.slots_of(device.agent)) else None


def _is_worn_out(world: World, client: Client, request_id: str) -> bool:
    """Whether a request kills, or as many devices went down as it may wear out: while they had it
    in hand, and one of them while it ran it."""
    errors = [
        each
        for each in client.answers[request_id]
        if isinstance(each, ErrorReply) and each.code != ErrorCode.NOTHING_RUNNABLE
    ]
    if any(error.code != ErrorCode.EXECUTION_FAILED for error in errors):
        return False
    if client.sent[request_id] in world.poisons:
        return True
    # The first time, all that a device had been sent is suspect; from then on a suspect runs alone
    # and under a note, so the second time it has to be the very one.
    times_sent = sum(request_id in down.sent for down in world.downs)
    was_running = any(request_id in down.executing for down in world.downs)
    # Of two processes under one id, the one that stays may have read the other's note as its own.
    was_running |= request_id in world.named_by_a_double
    return was_running and times_sent >= _EXECUTORS_OF_POISON


@lru_cache(maxsize=4096)
def _expected(bundle: str, subnetwork: str, payload: bytes) -> tuple[tuple[float, ...], int]:
    edition = edition_of(bundle)
    assert edition is not None
    stages = next(each.stages for each in edition.manifest.subnetworks if each.name == subnetwork)
    if edition.graph is None:
        logits = combine([simulated_logits(edition.digest, stage, payload) for stage in stages])
    else:
        logits = combine(list(simulated_run(edition, stages, payload, {})[0].values()))
    return tuple(round(float(p), 6) for p in softmax(logits)[0]), int(np.argmax(logits))
