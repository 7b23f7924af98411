"""The demonstration: train, serve with two agents, kill each of them, and show what happened.

It drives the programs that a user drives, as processes and over the broker, and imports none of
the packages behind them. `measurement`, `verdict` and `report` are pure; `stage` is the running
cluster; `story` is what happens on it; `cli` puts them together.
"""
