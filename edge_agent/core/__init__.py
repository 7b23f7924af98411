"""The deterministic heart of an agent: `Node.step(event, now) -> effects`.

Nothing in here reads a clock, draws a random number, logs, locks, sleeps or does I/O. What
happened comes in as an event with the time; what is to be done goes out as effects, in order.
"""
