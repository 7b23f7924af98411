"""Width-sliced Keras layers: a wider block may read the narrower ones, never the other way."""

from trainer.layers.sliced import SlicedLayer
from trainer.layers.sliced_batch_normalization import SlicedBatchNormalization
from trainer.layers.sliced_conv2d import SlicedConv2D
from trainer.layers.sliced_logits import SlicedLogits

__all__ = ["SlicedBatchNormalization", "SlicedConv2D", "SlicedLayer", "SlicedLogits"]
