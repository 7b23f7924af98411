"""The whole cluster in one process: real cores and switchboards over a model broker."""
