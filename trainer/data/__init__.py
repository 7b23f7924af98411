"""Data sets, by name or as a folder of pictures. Importable without TensorFlow."""

from trainer.data.augmentation import AUGMENTATIONS, Augmentation, augmented
from trainer.data.dataset import Dataset, Split
from trainer.data.images import Images, Labels
from trainer.data.picture_form import PictureForm
from trainer.data.registry import dataset_names, load_dataset

__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
    "Dataset",
    "Images",
    "Labels",
    "PictureForm",
    "Split",
    "augmented",
    "dataset_names",
    "load_dataset",
]
