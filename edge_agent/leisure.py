"""How long what is done may wait for more to be done with it, where that delays nobody much.

To wake a thread costs more than what it then does with one image: twice a processor's caches have
to be filled anew, by the thread and by the model after it. While the executor has other jobs for
some time, what it has done, and what comes meanwhile, is looked at together. A request that comes
then has to wait for those jobs anyway, and waits a fraction of that more.
"""

_SHARE = 0.25  # of the time that the jobs take which wait
_MOST_S = 0.02
_NEWEST = 0.1  # the weight of the last job in the mean


class Leisure:
    """Told by the executor how long its jobs take; asked by whoever has time."""

    def __init__(self) -> None:
        self._mean_s = 0.0

    def ran(self, job_s: float) -> None:
        """A job has taken so long."""
        self._mean_s += _NEWEST * (job_s - self._mean_s)

    def left_s(self, jobs: int) -> float:
        """For how long there is no hurry, where so many jobs wait to be run."""
        return min(_MOST_S, _SHARE * jobs * self._mean_s)
