"""Training on several devices, and on several machines: each batch is divided among them.

On TensorFlow `tf.distribute.MirroredStrategy` serves the devices of one machine. On JAX `keras.distribution` serves
those of one machine and of several, each of which runs the same command with three environment variables of Keras:

    KERAS_DISTRIBUTION_JOB_ADDRESSES=FIRST_MACHINE:PORT KERAS_DISTRIBUTION_NUM_PROCESSES=2
    KERAS_DISTRIBUTION_PROCESS_ID=0        (1 on the second machine)

The batch, and with it the learning rate, stays that of the settings: more devices make a step quicker, not larger.
JAX computes the loss of the whole batch. On TensorFlow each device computes that of its share, and their mean is
taken. A loss that is a mean over the images stays what it is. One over the valid pixels weighs shares alike that have
different numbers of them, and so differs a little; one that adds up over the batch before it divides, as Dice does, is
then the mean of the Dice of the shares, which is another loss.

Used in lesson 14.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator

import keras


def is_first() -> bool:
    """Whether this is the first of several processes, or the only one; known before they join."""
    return os.environ.get("KERAS_DISTRIBUTION_PROCESS_ID", "0") == "0"


class Devices:
    """The devices that one run is spread over.

    Attributes:
        process, processes: which of the processes this is, and how many there are; the first writes the files.

    Args:
        number: devices of this machine; across several machines, all of them.

    Raises:
        ValueError: there are fewer devices, or this backend of Keras cannot use several.
    """

    def __init__(self, number: int = 1):
        if number < 1:
            raise ValueError(f"devices is {number}: give 1 or more.")
        backend = keras.backend.backend()
        self.process, self.processes = 0, 1
        self._strategy = self._distribution = None
        if os.environ.get("KERAS_DISTRIBUTION_NUM_PROCESSES", "1") != "1":
            if backend != "jax":
                raise ValueError(
                    f"KERAS_DISTRIBUTION_NUM_PROCESSES is set, but Keras runs on {backend}: several machines need JAX, "
                    "so set KERAS_BACKEND=jax."
                )
            self.process, self.processes = _join()
        if number == 1 and self.processes == 1:
            return
        if backend == "tensorflow":
            self._strategy = _mirrored(number)
        elif backend == "jax":
            self._distribution = _data_parallel(number, self.processes)
        else:
            raise ValueError(f"devices is {number}, but Keras runs on {backend}: choose TensorFlow or JAX.")

    @property
    def several(self) -> bool:
        """Whether there is anything to divide."""
        return self._strategy is not None or self._distribution is not None

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Build and train a network within this."""
        if self._strategy is not None:
            with self._strategy.scope():
                yield
        else:
            with _distributed(self._distribution):
                yield

    def alone(self) -> contextlib.AbstractContextManager:
        """Build and call a network of one device within this, also in the midst of training."""
        return _distributed(None)

    def feed(self, batches: Callable[[], Iterator]):
        """Return what `fit` takes for the batches, each a tuple of arrays or of dictionaries of them.

        Under MirroredStrategy `fit` draws from a Python generator more than once at its start and drops what it drew
        (Keras 3.15), so there it gets a data set that begins anew each time.
        """
        if self._strategy is None:
            return batches()
        import tensorflow as tf

        signature = tf.nest.map_structure(lambda each: tf.TensorSpec(each.shape, each.dtype), next(batches()))
        return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(2)

    def synchronise(self, model: keras.Model) -> None:
        """Have batch normalisation take its means over the whole batch; on JAX it does so by itself."""
        if self._strategy is not None:
            for layer in model._flatten_layers():
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.synchronized = True


@contextlib.contextmanager
def _distributed(distribution) -> Iterator[None]:
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(distribution)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


@functools.cache  # a process joins once
def _join() -> tuple[int, int]:
    keras.distribution.initialize()
    import jax

    return jax.process_index(), jax.process_count()


def _mirrored(number: int):
    import tensorflow as tf

    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    if kind == "CPU":
        # A machine without GPUs shows how it works, with a processor that is called by several names.
        with contextlib.suppress(RuntimeError):  # TensorFlow has begun, and its devices are what they are
            tf.config.set_logical_device_configuration(
                tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * number
            )
    there = tf.config.list_logical_devices(kind)
    if len(there) < number:
        raise ValueError(
            f"devices is {number}, but TensorFlow has {len(there)} ({kind}): give at most {len(there)}, or on a CPU "
            "begin in a new process."
        )
    return tf.distribute.MirroredStrategy([device.name for device in there[:number]])


def _data_parallel(number: int, processes: int):
    there = keras.distribution.list_devices()
    if processes > 1 and len(there) != number * processes:
        raise ValueError(
            f"devices is {number}, but JAX has {len(there) // processes} on each machine, and across machines all of "
            "them work together: give that number."
        )
    if len(there) < number:
        raise ValueError(
            f"devices is {number}, but JAX has {len(there)}: give at most that, or try it on a CPU "
            f"with XLA_FLAGS=--xla_force_host_platform_device_count={number}."
        )
    # Each process reads its own share of a batch.
    return keras.distribution.DataParallel(devices=there[: number * processes], auto_shard_dataset=False)
