"""User properties by which a request says more than its image: names and values, as they travel.

docs/protocol.md says what each of them does.
"""

MAX_DEADLINE_S = 86_400.0
_MOST_NAME_CHARACTERS = 256

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


def wish_properties(
    *, probabilities: bool, logits: bool, min_subnetwork: str | None, deadline_s: float | None
) -> tuple[tuple[str, str], ...]:
    """The user properties of a request that asks for these; ValueError for what none can ask."""
    properties = [PROBABILITIES_PROPERTY] if probabilities else []
    if logits:
        properties.append(LOGITS_PROPERTY)
    if min_subnetwork is not None:
        named = min_subnetwork.isprintable() and 0 < len(min_subnetwork) <= _MOST_NAME_CHARACTERS
        if not named:
            raise ValueError(f"min_subnetwork must be a sub-network's name: {min_subnetwork!r}")
        properties.append((MIN_SUBNETWORK_PROPERTY, min_subnetwork))
    if deadline_s is not None:
        if not 0 < deadline_s <= MAX_DEADLINE_S:  # which NaN is not either
            raise ValueError(
                f"deadline_s must be above 0 and at most {MAX_DEADLINE_S:g}: {deadline_s}"
            )
        properties.append((DEADLINE_PROPERTY, str(max(1, round(deadline_s * 1000)))))
    return tuple(properties)
