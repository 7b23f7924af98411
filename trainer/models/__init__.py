"""Width-sliced models: a tower per slot, and the network that sums their partial logits."""

from trainer.models.sliced_cnn import SlicedCNN
from trainer.models.slot_cnn import SlotCNN
from trainer.models.sub_model import FloatSubModel

__all__ = ["FloatSubModel", "SlicedCNN", "SlotCNN"]
