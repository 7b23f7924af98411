"""When requests may leave the inbox, while a suspect runs alone and all others are held back.

Each step of a suspect (its note, the broker's confirmation, its outcome) needs the interpreter lock
several times. To take in requests meanwhile, hardly any of which can be answered yet, made each
step wait: 64 suspects took four seconds beside a stream of 2,400/s. So they wait where they are,
but not for long: a model may take seconds, and some of what comes needs no model.
"""

MOST_ALONE_S = 0.1
# Taken in then, more than at once otherwise: about what such a stream brings meanwhile.
MOST_AFTER_THAT = 256


class Admission:
    """Asked each time before the inbox is looked at; now: of the monotonic clock."""

    def __init__(self) -> None:
        self._let_in_at = 0.0

    def keeps_out_s(self, *, holds_back: bool, now: float) -> float:
        """For how long no request is taken from the inbox; 0 if some are now.

        holds_back: whether a request that comes now could not be run yet.
        """
        if holds_back and (left_s := self._let_in_at + MOST_ALONE_S - now) > 0:
            return left_s
        self._let_in_at = now
        return 0.0
