"""Runs one step of a curriculum: the compiled training loop over one epoch."""

import math
from typing import Any

import numpy as np

from trainer.data import Images, Labels
from trainer.models import SlicedCNN
from trainer.tensorflow_setup import keras, tf
from trainer.training.curriculum import Step

_DISTILLATION_WEIGHT = 0.5
_CLIP_NORM = 1.0


class StepTrainer:
    """Trains the blocks of one step, and nothing else, in one compiled loop an epoch.

    Compiled once and used again in each round; `start` begins a round's step afresh.
    """

    def __init__(
        self, network: SlicedCNN, step: Step, *, batch_size: int, batches: int, learning_rate: float
    ) -> None:
        """`batches`: how many until the learning rate has fallen to nothing."""
        self._network = network
        self._step = step
        self._variables = network.block_variables(step.learning)
        self._sub_models = tuple(
            dict.fromkeys(sub_model for spec in step.objectives for sub_model in spec.sub_models)
        )
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, batches)
        self._optimizer = keras.optimizers.Adam(schedule, global_clipnorm=_CLIP_NORM)
        self._optimizer.build(self._variables)
        self._batch_size = batch_size
        self._epoch = tf.function(self._train_batches).get_concrete_function(
            tf.TensorSpec((None, batch_size, *network.image_shape), tf.uint8),
            tf.TensorSpec((None, batch_size), tf.int64),
        )

    def start(self) -> None:
        """Forget the moments and the learning-rate schedule of an earlier round."""
        for variable in self._optimizer.variables:
            if variable is not self._optimizer.learning_rate:
                variable.assign(keras.ops.zeros_like(variable))

    def train_epoch(self, images: Images, labels: Labels) -> float:
        """One pass over images, in the order given; returns the mean loss.

        A last batch that would be short is filled up from the beginning.
        """
        batches = math.ceil(len(images) / self._batch_size)
        order = np.resize(np.arange(len(images)), (batches, self._batch_size))
        return float(self._epoch(tf.constant(images[order]), tf.constant(labels[order])))

    def _train_batches(self, images: Any, labels: Any) -> Any:
        losses = tf.map_fn(
            lambda batch: self._train_batch(*batch),
            (images, labels),
            fn_output_signature=tf.float32,
            parallel_iterations=1,  # each batch starts from the weights the one before it left
        )
        return tf.reduce_mean(losses)

    def _train_batch(self, images: Any, labels: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in self._variables])
            loss = self._loss(images, labels)
        gradients = tape.gradient(loss, [variable.value for variable in self._variables])
        self._optimizer.apply_gradients(zip(gradients, self._variables, strict=True))
        return loss

    def _loss(self, images: Any, labels: Any) -> Any:
        partials = self._network.partial_logits(images, self._sub_models, self._step.learning)
        logits = [
            sum(partials[sub_model.name] for sub_model in spec.sub_models)
            for spec in self._step.objectives
        ]
        losses = [
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=each)
            for each in logits
        ]
        if self._step.distilled:
            teacher = tf.nn.softmax(tf.stop_gradient(logits[-1]))
            losses += [
                _DISTILLATION_WEIGHT
                * tf.nn.softmax_cross_entropy_with_logits(labels=teacher, logits=student)
                for student in logits[:-1]
            ]
        return tf.reduce_mean(tf.add_n(losses)) / len(self._step.objectives)
