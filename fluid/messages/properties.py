"""User properties by which a request says more than its image: names and values, as they travel.

docs/protocol.md says what each of them does.
"""

# Every class's probability is wanted in the reply.
PROBABILITIES_PROPERTY = ("probabilities", "true")

# This correlation data is never used for another request. Whoever sees it twice sees one request
# twice; without this word it may be two, because clients that are not ours reuse their ids.
UNIQUE_PROPERTY = ("fluid-unique", "1")
