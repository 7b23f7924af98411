"""Who may do what at a secured broker: the table, and the means to try it.

`table.py` is data: a test against a broker of its own and one against a deployed fleet try the
same actions. `session.py` connects and tries.
"""
