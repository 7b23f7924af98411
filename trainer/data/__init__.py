"""Data sets, by name. Importable without TensorFlow."""

from trainer.data.dataset import Dataset, Images, Labels, Split
from trainer.data.registry import dataset_names, load_dataset

__all__ = ["Dataset", "Images", "Labels", "Split", "dataset_names", "load_dataset"]
