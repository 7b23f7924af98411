"""`edge-agent doctor`: what would keep an agent with these options from serving, and what to do.

A file for each thing that is looked at; `examination` has their order. Nothing here changes a
device, and an agent of the same id that runs meanwhile is not disturbed: see `rights`.
"""
