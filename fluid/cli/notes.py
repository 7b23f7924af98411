"""Remarks on a cluster that works, but not as its operator may expect."""

from fluid.client import ClusterSnapshot


def different_bundles(snapshot: ClusterSnapshot) -> str | None:
    """One line if the online devices do not all have the same bundle, else None."""
    if len({each.bundle for each in snapshot.online}) < 2:
        return None
    return (
        "note: the online devices have different bundles; "
        "only devices with the same bundle answer an image together"
    )
