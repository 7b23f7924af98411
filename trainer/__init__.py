"""Trains width-sliced networks, exports them to full-int8 TFLite and writes bundles."""
