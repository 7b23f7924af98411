"""The chaos suite: a stream of requests to a real cluster, and one fault after another.

`make chaos`, or `python -m tests.chaos --help`. `plan` draws the faults, `stream` sends the
requests, `faults` is what happens to the cluster, `campaign` runs the rounds, `figures` and
`report` say what came of it.
"""
