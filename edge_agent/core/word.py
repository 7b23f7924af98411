"""The operator's word: which one stands, as far as this agent and its peers heard.

Owns who knows the word; what mode becomes of it is `ModeChoice`'s to say. The cluster state hands
it from leader to leader. But whoever takes the lead may have come after the word was said and have
claimed before the state that has it came round. So whoever did hear it says so in its presence,
where a term begins without it, until the leader has taken it up.
"""

from collections.abc import Iterable

from fluid.messages import ClusterState, Mode, Presence


class OperatorsWord:
    """What one agent heard, and whether the leader that it follows knows of it."""

    def __init__(self) -> None:
        self._heard: Mode | None = None  # on this connection, on which none has passed us by
        self._term = 0
        self._is_unheeded = False

    @property
    def unheeded(self) -> Mode | None:
        """What we heard and the leader of a later term did not; None if there is no such word."""
        return self._heard if self._is_unheeded else None

    def link_lost(self) -> None:
        """From now on words may pass us by, so what we heard may be overruled."""
        self._heard = None
        self._term = 0
        self._is_unheeded = False

    def heard(self, mode: Mode) -> None:
        """The operator spoke; whoever leads now hears it as well."""
        self._heard = mode
        self._is_unheeded = False

    def follow(self, state: ClusterState) -> None:
        """A state came round and is now the one to follow."""
        if self._heard in (None, state.operator_mode):
            self._is_unheeded = False
        elif state.term > self._term:
            # Once a term: two that heard different words must not overrule each other for ever.
            self._is_unheeded = True
        self._term = state.term

    def standing(self, recorded: Mode, members: Iterable[Presence]) -> Mode:
        """The word to decide by. recorded: that of the state before; members: who is online."""
        if self._heard is not None:
            # What others heard they heard before we listened, or we hear it as well.
            return self._heard
        return next(
            (member.unheeded for member in members if member.unheeded is not None), recorded
        )
