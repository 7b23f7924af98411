"""The agent: serves a slot of a bundle on one device and keeps the cluster answering.

`core` decides and does nothing; `wire` translates between the core and the bus; `executor` runs
the TFLite files; `runtime` ties them together with threads and clocks; `cli` is `edge-agent`.
Observers look on: `log_observer` and `logs` write the log, `metrics` counts for Prometheus.
"""
