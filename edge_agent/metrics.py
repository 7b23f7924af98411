"""What Prometheus may know of an agent: counted from events and effects, never from the inside.

Belongs to the thread that owns the state. The thread that answers Prometheus reads only what is
in the registry, so gauges are set on each beat and not when somebody asks. docs/observability.md
lists the metrics; nothing that a publisher sends may become a label.

Imported only where metrics are wanted, so that a device without them needs no prometheus-client.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.process_collector import ProcessCollector

from edge_agent.core import effects as do
from edge_agent.core import events as seen
from edge_agent.core.settings import Settings
from edge_agent.observer import View
from fluid.bundle import Manifest
from fluid.errors import ErrorCode
from fluid.messages import ErrorReply, Mode, Reply

LATENCY_BUCKETS_S = (
    0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2,
    0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
NONE = "none"  # of an error: no mode or sub-network answered
OTHER = "other"  # a value that is none of the few that a label may have
REPLY_REFUSED = "reply_refused"
_ERROR_CODES = frozenset(ErrorCode)
_SERVING = (Mode.HA, Mode.HT, NONE)

_Labels = tuple[str, str, str]


class Metrics:
    """An observer that keeps a registry up to date."""

    def __init__(self, settings: Settings, *, version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._agent = settings.agent
        self._requests = _Requests(self.registry, settings)
        self._traffic = _Traffic(self.registry)
        self._standing = _Standing(self.registry, settings.agent)
        self._bundle = _describe(self.registry, settings, version)
        self._on: dict[type, tuple[Callable[[Any, Sequence[do.Effect], float], None], ...]] = {
            seen.BundleLoaded: (self._bundle_loaded,),
            seen.RequestArrived: (self._requests.arrived,),
            seen.Computed: (self._requests.computed,),
            seen.ComputeFailed: (self._requests.compute_ended,),
            seen.ReplyConfirmed: (self._requests.confirmed,),
            seen.PartialSeen: (self._traffic.partial_received,),
            seen.FeatureSeen: (self._traffic.feature_received,),
            seen.LinkOpened: (self._traffic.link_opened,),
            seen.LinkClosed: (self._traffic.link_closed, self._requests.link_closed),
        }
        self._wanted: dict[type, Callable[[Any, float], None]] = {
            do.Compute: self._requests.compute_wanted,
            do.SendReply: self._requests.replied,
            do.Ack: self._requests.let_go,
            do.SendPartials: self._traffic.partials_sent,
            do.SendFeatures: self._traffic.features_sent,
            do.OpenAdoption: self._traffic.adoption_opened,
            do.RepublishAdopted: self._traffic.adopted_request,
            do.CloseAdoption: self._traffic.adoption_closed,
        }

    def observe(self, event: seen.Event, effects: Sequence[do.Effect], now: float) -> None:
        """Count one step of the core."""
        for count in self._on.get(type(event), ()):
            count(event, effects, now)
        for effect in effects:
            note = self._wanted.get(type(effect))
            if note is not None:
                note(effect, now)

    def _bundle_loaded(
        self, event: seen.BundleLoaded, _effects: Sequence[do.Effect], _now: float
    ) -> None:
        self._bundle.show(event.manifest, event.digest)
        self._requests.serve(event.manifest)

    def beat(self, view: View) -> None:
        """Show how things stand."""
        self._standing.show(view)
        self._requests.show()
        self._traffic.show(view.malformed)


class _Requests:
    """What becomes of the requests that reach this device.

    Metrics with labels are looked up once and kept: a look-up costs more than the counting.
    """

    def __init__(self, registry: CollectorRegistry, settings: Settings) -> None:
        self._subnetworks = _subnetworks(settings.manifest)
        self._answered = Counter(
            "fluid_requests",
            "Requests that this device answered, once the broker has the answer.",
            ["mode", "subnetwork", "outcome"],
            registry=registry,
        )
        duration = Histogram(
            "fluid_request_duration_seconds",
            "From a request's arrival on this device until the broker has its result.",
            ["mode"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._durations: dict[str, Histogram] = {
            mode: duration.labels(mode) for mode in (Mode.HA, Mode.HT)
        }
        self._compute = Histogram(
            "fluid_compute_duration_seconds",
            "Decoding a request's images and running this device's share of the network on them.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        duplicates = Counter(
            "fluid_duplicate_requests",
            "Requests that reached this device twice, or after another had answered them.",
            ["kind"],
            registry=registry,
        )
        self._repeated = duplicates.labels("repeated")
        self._answered_before = duplicates.labels("answered")
        self._executor_jobs = Gauge(
            "fluid_executor_jobs",
            "Requests that wait for the interpreter or are in it.",
            registry=registry,
        )
        self._outcomes: dict[_Labels, Counter] = {}
        # Replies on their way to the broker: what to count, and when the request arrived.
        self._replies: dict[int, tuple[_Labels, float | None]] = {}
        # Requests that are held and whose sender promised not to reuse their id.
        self._unique: dict[bytes, int] = {}
        self._keys: dict[int, bytes] = {}
        self._jobs = 0

    def serve(self, manifest: Manifest) -> None:
        """Another bundle is served: its sub-networks may be labels as well."""
        self._subnetworks |= _subnetworks(manifest)

    def arrived(
        self, event: seen.RequestArrived, effects: Sequence[do.Effect], _now: float
    ) -> None:
        request, ack_id = event.request, event.ack_id
        if effects and any(type(each) is do.Ack and each.ack_id == ack_id for each in effects):
            self._answered_before.inc()
        elif request.unique and ack_id:
            if request.key in self._unique:
                self._repeated.inc()
            else:
                self._unique[request.key] = ack_id
                self._keys[ack_id] = request.key

    def let_go(self, effect: do.Ack, _now: float) -> None:
        key = self._keys.pop(effect.ack_id, None)
        if key is not None:
            del self._unique[key]

    def compute_wanted(self, _effect: do.Compute, _now: float) -> None:
        self._jobs += 1

    def compute_ended(self, _event: seen.Event, _effects: Sequence[do.Effect], _now: float) -> None:
        self._jobs -= 1

    def computed(self, event: seen.Computed, _effects: Sequence[do.Effect], _now: float) -> None:
        self._jobs -= 1
        self._compute.observe(event.compute_ms / 1000)

    def replied(self, effect: do.SendReply, now: float) -> None:
        reply = effect.replies[0]
        if isinstance(reply, ErrorReply):
            self._replies[effect.token] = (self._labels(reply), None)
        else:
            waited_s = (reply.queue_ms + reply.compute_ms) / 1000
            self._replies[effect.token] = (self._labels(reply), now - waited_s)

    def confirmed(
        self, event: seen.ReplyConfirmed, _effects: Sequence[do.Effect], now: float
    ) -> None:
        labels, arrived_at = self._replies.pop(event.token, (None, None))
        if labels is None:
            return
        if not event.accepted:
            labels = (labels[0], labels[1], REPLY_REFUSED)
        counter = self._outcomes.get(labels)
        if counter is None:
            counter = self._outcomes[labels] = self._answered.labels(*labels)
        counter.inc()
        if arrived_at is not None:
            self._durations[labels[0]].observe(now - arrived_at)

    def link_closed(
        self, event: seen.LinkClosed, _effects: Sequence[do.Effect], _now: float
    ) -> None:
        """What was held is forgotten: the broker sends it again."""
        if event.link is seen.LinkName.INFER:
            self._replies.clear()
            self._unique.clear()
            self._keys.clear()

    def show(self) -> None:
        self._executor_jobs.set(self._jobs)

    def _labels(self, reply: Reply) -> _Labels:
        """Mode, sub-network and outcome; each is one of few."""
        if isinstance(reply, ErrorReply):
            return NONE, NONE, reply.code if reply.code in _ERROR_CODES else OTHER
        subnetwork = reply.subnetwork if reply.subnetwork in self._subnetworks else OTHER
        return reply.mode, subnetwork, "degraded" if reply.degraded else "ok"


class _Traffic:
    """What passes between the devices, and over which connections."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._partials_sent = Counter(
            "fluid_partials_sent", "Partial logits handed to another device.", registry=registry
        )
        self._partials_received = Counter(
            "fluid_partials_received", "Partial logits from other devices.", registry=registry
        )
        self._features_sent = Counter(
            "fluid_features_sent", "Feature maps handed to another device.", registry=registry
        )
        self._features_received = Counter(
            "fluid_features_received", "Feature maps from other devices.", registry=registry
        )
        self._adoptions_started = Counter(
            "fluid_adoptions_started",
            "Attempts to empty the session of a device that is gone.",
            registry=registry,
        )
        self._adoptions_finished = Counter(
            "fluid_adoptions_finished", "Sessions that were emptied.", registry=registry
        )
        self._adopted_requests = Counter(
            "fluid_adopted_requests",
            "Requests of a device that is gone, published again for the others.",
            registry=registry,
        )
        self._malformed = Counter(
            "fluid_malformed_messages",
            "Messages of the cluster that could not be read, by the kind of their topic.",
            ["kind"],
            registry=registry,
        )
        self._malformed_counted: dict[str, int] = {}
        reconnects = Counter(
            "fluid_reconnects",
            "Connections to the broker after the first.",
            ["link"],
            registry=registry,
        )
        link_up = Gauge(
            "fluid_link_up",
            "1 while the connection to the broker is open.",
            ["link"],
            registry=registry,
        )
        self._reconnects = {link: reconnects.labels(link) for link in seen.LinkName}
        self._link_up = {link: link_up.labels(link) for link in seen.LinkName}
        self._was_open: set[seen.LinkName] = set()

    def partials_sent(self, effect: do.SendPartials, _now: float) -> None:
        self._partials_sent.inc(len(effect.partials))

    def partial_received(
        self, _event: seen.PartialSeen, _effects: Sequence[do.Effect], _now: float
    ) -> None:
        self._partials_received.inc()

    def features_sent(self, effect: do.SendFeatures, _now: float) -> None:
        self._features_sent.inc(len(effect.features))

    def feature_received(
        self, _event: seen.FeatureSeen, _effects: Sequence[do.Effect], _now: float
    ) -> None:
        self._features_received.inc()

    def adoption_opened(self, _effect: do.OpenAdoption, _now: float) -> None:
        self._adoptions_started.inc()

    def adopted_request(self, _effect: do.RepublishAdopted, _now: float) -> None:
        self._adopted_requests.inc()

    def adoption_closed(self, effect: do.CloseAdoption, _now: float) -> None:
        if effect.end_session:
            self._adoptions_finished.inc()

    def link_opened(
        self, event: seen.LinkOpened, _effects: Sequence[do.Effect], _now: float
    ) -> None:
        if event.link in self._was_open:
            self._reconnects[event.link].inc()
        self._was_open.add(event.link)
        self._link_up[event.link].set(1)

    def link_closed(
        self, event: seen.LinkClosed, _effects: Sequence[do.Effect], _now: float
    ) -> None:
        self._link_up[event.link].set(0)

    def show(self, malformed: Mapping[str, int]) -> None:
        for kind, count in malformed.items():
            self._malformed.labels(kind).inc(count - self._malformed_counted.get(kind, 0))
            self._malformed_counted[kind] = count


class _Standing:
    """How this agent and its cluster stand."""

    def __init__(self, registry: CollectorRegistry, agent: str) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"fluid_{name}", text, registry=registry)

        self._agent = agent
        self._held = gauge("requests_held", "Requests that arrived and are not let go of.")
        self._term = gauge("cluster_term", "The term of the cluster's state; 0 before the first.")
        self._epoch = gauge("cluster_epoch", "How often the leader has changed that state.")
        self._members = gauge("cluster_members", "Agents that the leader counts as online.")
        self._leader = gauge("leader", "1 if this agent leads.")
        self._slots = gauge("slots_held", "Slots of the bundle that this agent holds.")
        mode = Gauge(
            "fluid_mode",
            "1 for the mode whose requests this agent hears, 0 for the others.",
            ["mode"],
            registry=registry,
        )
        self._modes = {each: mode.labels(each) for each in _SERVING}

    def show(self, view: View) -> None:
        self._held.set(view.held)
        self._leader.set(view.leads)
        for mode, gauge in self._modes.items():
            gauge.set(mode == (view.serving or NONE))
        if view.state is not None:
            self._term.set(view.state.term)
            self._epoch.set(view.state.epoch)
            self._members.set(len(view.state.members))
            self._slots.set(len(view.state.slots_of(self._agent)))


def _subnetworks(manifest: Manifest) -> frozenset[str]:
    return frozenset(each.name for each in manifest.subnetworks)


def _describe(registry: CollectorRegistry, settings: Settings, version: str) -> "_BundleInfo":
    """What changes rarely, if ever."""
    build = Info("fluid_build", "The agent's version, name and role.", registry=registry)
    build.info({"version": version, "agent": settings.agent, "role": settings.role})
    bundle = _BundleInfo(registry, settings.interpreter)
    bundle.show(settings.manifest, settings.digest)
    return bundle


class _BundleInfo:
    """The bundle in force."""

    def __init__(self, registry: CollectorRegistry, interpreter: str) -> None:
        self._interpreter = interpreter
        self._info = Info(
            "fluid_bundle", "What the agent serves, and with what.", registry=registry
        )

    def show(self, manifest: Manifest, digest: str) -> None:
        names = {"name": manifest.name, "digest": digest[:12], "interpreter": self._interpreter}
        self._info.info(names)
