"""From a trained Keras network to a bundle of full-int8 TFLite files."""

from trainer.export.bundle_builder import build_bundle, rehearse_export
from trainer.export.parity import assert_parity
from trainer.export.staging import plan_stages
from trainer.export.tflite import convert

__all__ = ["assert_parity", "build_bundle", "convert", "plan_stages", "rehearse_export"]
