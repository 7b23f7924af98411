"""Nested incremental training of width-sliced networks.

Exports nothing, so that `settings` and `progress` can be had without importing TensorFlow.
"""
