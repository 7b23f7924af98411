"""The chaos suite: a stream of requests to a real cluster, and one fault after another.

`make chaos`, or `python -m tests.chaos --help`. `plan` draws the faults, `stream` sends the
requests, `fleet` is the cluster, `faults` is what happens to it, `campaign` runs the rounds,
`figures` and `report` say what came of it.
"""
