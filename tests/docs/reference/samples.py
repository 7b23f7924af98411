"""One message of each kind, with something in every field: the examples of the reference."""

from fluid.messages import (
    AgentState,
    ClusterState,
    ErrorReply,
    Heartbeat,
    Mode,
    Presence,
    Result,
    Role,
)

_DIGEST = "2133a18841d6" + "0" * 52

PRESENCE = Presence(
    agent="pi-a",
    state=AgentState.ONLINE,
    role=Role.MASTER,
    priority=Role.MASTER.priority,
    incarnation=1764000000000,
    bundle=_DIGEST,
    serving=Mode.HA,
    interpreter="tflite-runtime 2.14.0",
    term=3,
    leader="pi-a",
    slots=("lower", "upper"),
)
HEARTBEAT = Heartbeat("pi-a", PRESENCE.incarnation, sequence=42, queue=3, busy=0.25)
CLUSTER = ClusterState(
    term=3,
    epoch=1,
    leader="pi-a",
    mode=Mode.HA,
    operator_mode=Mode.AUTO,
    members=("pi-a", "pi-b"),
    placement={"lower": ("pi-a",), "upper": ("pi-b",)},
)
RESULT = Result(
    id="door-17",
    label=7,
    class_name="7",
    confidence=0.999997,
    mode=Mode.HA,
    subnetwork="100",
    devices=("pi-a", "pi-b"),
    bundle=_DIGEST[:12],
    queue_ms=1.918,
    compute_ms=0.391,
)
REFUSED = ErrorReply("door-17", "wrong_shape", "the model takes 28 x 28 pixels")
