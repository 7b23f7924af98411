"""Runs one step of a curriculum: the compiled training loop over one epoch."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data import Images, Labels
from trainer.models import SlicedCNN
from trainer.tensorflow_setup import keras, tf
from trainer.training.curriculum import Step
from trainer.training.settings import TrainingSettings

_CLIP_NORM = 1.0

Teacher = Callable[[Any], Any]
"""Image tensor (n, height, width, channels) -> logits (n, classes)."""


class StepTrainer:
    """Trains the blocks of one step, and nothing else, in one compiled loop an epoch.

    Compiled once and used again in each round; `start` begins a round's step afresh.
    """

    def __init__(
        self,
        network: SlicedCNN,
        step: Step,
        *,
        settings: TrainingSettings,
        images: int,
        teacher: Teacher | None = None,
    ) -> None:
        """`images`: how many an epoch has; the learning rate falls to nothing over the step."""
        self._network = network
        self._step = step
        self._settings = settings
        self._teacher = teacher
        self._variables = network.block_variables(step.learning)
        self._batches = math.ceil(images / settings.batch_size)
        schedule = keras.optimizers.schedules.CosineDecay(
            settings.learning_rate, step.epochs * self._batches
        )
        self._optimizer = keras.optimizers.Adam(schedule, global_clipnorm=_CLIP_NORM)
        self._optimizer.build(self._variables)
        # There is no control flow to translate, and looking for it takes most of the tracing.
        epoch = tf.function(self._train_batches, autograph=False)
        self._epoch = epoch.get_concrete_function(
            tf.TensorSpec((None, settings.batch_size, *network.image_shape), tf.uint8),
            tf.TensorSpec((None, settings.batch_size), tf.int64),
        )

    def start(self) -> None:
        """Forget the moments and the learning-rate schedule of an earlier round."""
        for variable in self._state():
            variable.assign(keras.ops.zeros_like(variable))

    def state(self) -> list[NDArray[np.generic]]:
        """A copy of the optimiser's moments and of how far its schedule is."""
        return [np.array(variable.value.numpy()) for variable in self._state()]

    def restore(self, state: Sequence[NDArray[np.generic]]) -> None:
        """Go on from what `state` gave; raises `ValueError` for that of another step."""
        for variable, value in zip(self._state(), state, strict=True):
            variable.assign(value)

    def train_epoch(self, images: Images, labels: Labels) -> float:
        """One pass over images, in the order given; returns the mean loss.

        A last batch that would be short is filled up from the beginning.
        """
        shape = (self._batches, self._settings.batch_size)
        order = np.resize(np.arange(len(images)), shape)
        return float(self._epoch(tf.constant(images[order]), tf.constant(labels[order])))

    def _state(self) -> list[Any]:
        rate = self._optimizer.learning_rate
        return [variable for variable in self._optimizer.variables if variable is not rate]

    def _train_batches(self, images: Any, labels: Any) -> Any:
        losses = tf.map_fn(
            lambda batch: self._train_batch(*batch),
            (images, labels),
            fn_output_signature=tf.float32,
            parallel_iterations=1,  # each batch starts from the weights the one before it left
        )
        return tf.reduce_mean(losses)

    def _train_batch(self, images: Any, labels: Any) -> Any:
        taught = None if self._teacher is None else self._teacher(images)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in self._variables])
            loss = self._loss(images, labels, taught)
        gradients = tape.gradient(loss, [variable.value for variable in self._variables])
        self._optimizer.apply_gradients(zip(gradients, self._variables, strict=True))
        return loss

    def _loss(self, images: Any, labels: Any, taught: Any) -> Any:
        by_name = self._network.logits(images, self._step.objectives, learning=self._step.learning)
        *others, widest = (
            by_name[spec.name] * self._network.share_scale(spec) for spec in self._step.objectives
        )
        if taught is None:
            losses = [self._label_loss(widest, labels)]
            losses += [self._taught_loss(each, labels, tf.stop_gradient(widest)) for each in others]
        else:
            losses = [self._taught_loss(each, labels, taught) for each in (*others, widest)]
        return tf.reduce_mean(tf.add_n(losses)) / len(losses)

    def _label_loss(self, logits: Any, labels: Any) -> Any:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)

    def _taught_loss(self, logits: Any, labels: Any, taught: Any) -> Any:
        """Labels, and the teacher's answers, softened (Hinton et al., arXiv 1503.02531)."""
        temperature, share = self._settings.temperature, self._settings.label_weight
        soft = tf.nn.softmax_cross_entropy_with_logits(
            labels=tf.nn.softmax(taught / temperature), logits=logits / temperature
        )
        # Softened gradients are smaller by the square of the temperature.
        return share * self._label_loss(logits, labels) + (1 - share) * temperature**2 * soft
