"""What is raised where an invariant does not hold."""


class Violation(AssertionError):
    """An invariant that was broken, by name, and what shows it."""

    def __init__(self, invariant: str, problem: str) -> None:
        super().__init__(f"{invariant}: {problem}")
        self.invariant = invariant
        self.problem = problem
