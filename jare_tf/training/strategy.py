"""Where a run trains: on one device, on all of this machine, on several machines, or on a TPU."""

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import tensorflow as tf

from jare_tf import replicas
from jare_tf.errors import InputError, RunError, one_line
from jare_tf.output import say
from jare_tf.training import workers as meeting

_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)


def make(
    name: str, tpu: str | None = None, *, same: Mapping[str, str] = MappingProxyType({}), limit: float = 600.0
) -> tf.distribute.Strategy:
    """The tf.distribute strategy of that name; make one a process, before TensorFlow computes anything.

    Args:
      name: "one_device": the first GPU, else the CPU. "mirrored": all GPUs of this machine, else all logical CPU
        devices. "multi_worker": this process is one of those that TF_CONFIG lists. "tpu": `tpu`. "auto": a TPU where
        one is named, several workers where TF_CONFIG lists them, else all GPUs of this machine.
      tpu: "local" for the TPU of this machine, the name of one, or its address, grpc://...
      same: what must be the same for all workers, by name.
      limit: seconds to wait for the other workers.

    Raises:
      InputError: there is no such device, TF_CONFIG cannot be used, or `tpu` goes with another name.
      RunError: the other workers did not come.
    """
    cluster = meeting.cluster()
    several_workers = len(cluster.addresses) > 1
    for gpu in tf.config.list_physical_devices("GPU"):  # else the first process takes all of its memory
        with contextlib.suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    gpus = tf.config.list_logical_devices("GPU") if name != "tpu" and not tpu and not several_workers else []
    if name == "auto":
        name = "tpu" if tpu else "multi_worker" if several_workers else "mirrored" if len(gpus) > 1 else "one_device"
    if tpu and name != "tpu":
        raise InputError(f"a TPU goes with the strategy 'tpu' or 'auto', not {name!r}")
    if name == "one_device":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy([device.name for device in gpus or tf.config.list_logical_devices("CPU")])
    return _tpu(tpu) if name == "tpu" else _multi_worker(cluster, same, limit)


def workers(strategy: tf.distribute.Strategy) -> int:
    """How many processes train together."""
    several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    return len(meeting.cluster().addresses) if several else 1


def worker(strategy: tf.distribute.Strategy) -> int:
    """The number of this process among them; 0 is the chief, which writes the run directory."""
    return meeting.cluster().own if workers(strategy) > 1 else 0


def describe(strategy: tf.distribute.Strategy) -> str:
    """How many devices and workers there are, nothing for one device."""
    count, processes = strategy.num_replicas_in_sync, workers(strategy)
    mine = f", worker {worker(strategy)} of {processes}" if processes > 1 else ""
    return f" on {count} devices{mine}" if count > 1 else ""


def own_replicas(strategy: tf.distribute.Strategy) -> range:
    """The numbers, among all replicas, of those of this process."""
    own = strategy.num_replicas_in_sync // workers(strategy)
    return range(own * worker(strategy), own * (worker(strategy) + 1))


def distributed(strategy: tf.distribute.Strategy, batch: tf.Tensor):
    """A process's part of a batch (`replicas.rows`) as what `strategy.run` gives to its replicas."""
    own = own_replicas(strategy)
    if strategy.num_replicas_in_sync == 1:
        return batch
    part_of = lambda context: replicas.part(batch, context.replica_id_in_sync_group - own[0], len(own))
    return strategy.experimental_distribute_values_from_function(part_of)


def rows(strategy: tf.distribute.Strategy, batch_size: int) -> np.ndarray:
    """The rows of a global batch that this process reads."""
    own = own_replicas(strategy)
    return replicas.rows(batch_size, own[0], len(own), strategy.num_replicas_in_sync)


def first_replica_value(strategy: tf.distribute.Strategy, values):
    """What the first replica of this process returned from `strategy.run`."""
    return tf.nest.map_structure(lambda value: strategy.experimental_local_results(value)[0], values)


def sum_over_workers(strategy: tf.distribute.Strategy) -> Callable[[int], int]:
    """A function that gives to every worker the sum of what all of them call it with; it waits for all.

    It raises RunError where another worker is gone.
    """
    if workers(strategy) == 1:
        return lambda number: number

    @tf.function(autograph=False)
    def total(number):
        # Without the identity TensorFlow does not know on which device the number is.
        summed = lambda: tf.distribute.get_replica_context().all_reduce("sum", tf.identity(number))
        return first_replica_value(strategy, strategy.run(summed))

    def agree(number: int) -> int:
        try:
            return int(total(tf.constant(number, tf.int64))) // len(own_replicas(strategy))
        except tf.errors.OpError as error:
            raise RunError(explain_error(strategy, error)) from error

    return agree


def explain_error(strategy: tf.distribute.Strategy, error: tf.errors.OpError | OSError) -> str:
    """What an error means, in one line: that TensorFlow cannot go on, or that another worker is gone.

    TensorFlow notices within 15 seconds that a worker ended or was stopped.
    """
    if workers(strategy) == 1 or not isinstance(error, _LOST):
        return one_line(error)
    lines = [line.strip() for line in error.message.splitlines() if "/job:" in line or "aborted" in line]
    return (
        f"worker {worker(strategy)} of {workers(strategy)} cannot reach another one any more; start all of them again "
        f"({(lines or [one_line(error)])[0][:200]})"
    )


def _multi_worker(cluster: meeting.Cluster, same: Mapping[str, str], limit: float) -> tf.distribute.Strategy:
    if len(cluster.addresses) < 2:
        raise InputError("strategy 'multi_worker': TF_CONFIG must list several workers, and which of them this one is")
    meeting.meet(cluster, same, limit)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise InputError(f"strategy 'multi_worker': {one_line(error)} (TF_CONFIG {os.environ['TF_CONFIG']})") from error
    finally:
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))  # TensorFlow has taken it


def _tpu(tpu: str | None) -> tf.distribute.Strategy:
    if tpu is None:
        raise InputError("strategy 'tpu': name the TPU, 'local' for that of this machine")
    say(f"waiting for the TPU at {tpu}")
    try:
        if tpu.startswith("grpc://"):  # or TensorFlow tries for two minutes
            meeting.reach(tpu.removeprefix("grpc://"))
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu)
        if tpu != "local":
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except Exception as error:  # requests to a cloud, and TPU drivers, fail in every way
        why = one_line(error)
        raise InputError(f"the TPU {tpu!r} cannot be reached: {why}; is the extra jare_tf[tpu] installed?") from error
