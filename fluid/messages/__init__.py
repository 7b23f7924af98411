"""What travels over the bus, as frozen values with `encode` and `decode`.

`control` is the cluster talking about itself (JSON, rare); `inference` is the inner path of a
request (binary, often), and `features` that of networks that are cut at every layer; `records` is
what these two share; `properties` is what a request says beside its image; `replies` is what a
requester gets (JSON). Decoding never raises past this package: bytes that cannot be read become
`Malformed`.
"""

from fluid.messages.control import (
    AgentState,
    ClusterState,
    Heartbeat,
    Malformed,
    Mode,
    Presence,
    Role,
    decode_cluster,
    decode_heartbeat,
    decode_mode_request,
    decode_presence,
)
from fluid.messages.features import Feature, decode_features, encode_features
from fluid.messages.inference import (
    Done,
    Partial,
    Unheard,
    decode_notice,
    decode_partials,
    encode_partials,
    request_key,
)
from fluid.messages.properties import (
    DEADLINE_PROPERTY,
    LOGITS_PROPERTY,
    MAX_DEADLINE_S,
    MIN_SUBNETWORK_PROPERTY,
    PROBABILITIES_PROPERTY,
    UNIQUE_PROPERTY,
)
from fluid.messages.records import KEY_BYTES
from fluid.messages.replies import (
    ErrorReply,
    Replies,
    Reply,
    Result,
    ResultBatch,
    decode_replies,
    encode_replies,
)

__all__ = [
    "DEADLINE_PROPERTY",
    "KEY_BYTES",
    "LOGITS_PROPERTY",
    "MAX_DEADLINE_S",
    "MIN_SUBNETWORK_PROPERTY",
    "PROBABILITIES_PROPERTY",
    "UNIQUE_PROPERTY",
    "AgentState",
    "ClusterState",
    "Done",
    "ErrorReply",
    "Feature",
    "Heartbeat",
    "Malformed",
    "Mode",
    "Partial",
    "Presence",
    "Replies",
    "Reply",
    "Result",
    "ResultBatch",
    "Role",
    "Unheard",
    "decode_cluster",
    "decode_features",
    "decode_heartbeat",
    "decode_mode_request",
    "decode_notice",
    "decode_partials",
    "decode_presence",
    "decode_replies",
    "encode_features",
    "encode_partials",
    "encode_replies",
    "request_key",
]
