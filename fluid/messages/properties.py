"""User properties by which a request says more than its image: names and values, as they travel.

docs/protocol.md says what each of them does.
"""

MAX_DEADLINE_S = 86_400.0

# Every class's probability is wanted in the reply.
PROBABILITIES_PROPERTY = ("probabilities", "true")

# Every class's logit is wanted in the reply, to the last bit.
LOGITS_PROPERTY = ("logits", "true")

# This correlation data is never used for another request. Whoever sees it twice sees one request
# twice; without this word it may be two, because clients that are not ours reuse their ids.
UNIQUE_PROPERTY = ("fluid-unique", "1")

# The value names a sub-network of the bundle: an answer from less than that is none.
MIN_SUBNETWORK_PROPERTY = "fluid-min-subnetwork"

# The value is a number of milliseconds: where devices answer together, the answer goes out by
# then, with what is there.
DEADLINE_PROPERTY = "fluid-deadline-ms"
