"""Keras 3, on the backend that KERAS_BACKEND names: the step inside `fit`; the model called and asked to predict."""

from __future__ import annotations

import importlib

from keras_style import KerasStyleLatency, KerasStyleTraining
from network import Network
from sample import NetworkSample, Sample
from workload import Workload

import keras

BACKEND = keras.backend.backend()
TITLE = f"Keras/{BACKEND}"
_library = importlib.import_module(BACKEND)


def version() -> str:
    return f"{keras.__version__} on {_library.__version__}"


def _set_threads(threads: int) -> None:
    if BACKEND == "torch":
        _library.set_num_threads(threads)
    elif BACKEND == "tensorflow" and _library.config.threading.get_intra_op_parallelism_threads() != threads:
        _library.config.threading.set_intra_op_parallelism_threads(threads)
        _library.config.threading.set_inter_op_parallelism_threads(threads)


class Training(KerasStyleTraining):
    def __init__(self, workload: Workload | Network, threads: int) -> None:
        _set_threads(threads)
        super().__init__(keras, workload)


class Networks(Training):
    pass


class Latency(KerasStyleLatency):
    def __init__(self, case: Sample | NetworkSample, threads: int) -> None:
        _set_threads(threads)
        super().__init__(keras, case)
