"""The benchmark: the paper's figure and the runtime's own, measured in one run on one machine.

It drives the programs that a user drives, as processes and over the broker, and imports none of
the packages behind them.

Each part of the benchmark is a module: `paper`, `scaling`, `overhead`, `load`, `failover` and
`memory`. They run on a `rig`, a cluster whose devices `cpu_share` holds to a share of a core, and
run with `device_python`, an environment like a device's where there is one. They are sent images by
`generator`, a process of its own that speaks MQTT through `mqtt_packets` at the times that `pacing`
says. `observations` says what a stream of answers amounts to, `statistics` what several repetitions
do, `figures` how results are kept, `comparison` what changed between two runs, `report` and `plots`
how it is shown; all of these but the plots are pure.
"""
