"""Keras 3, on the backend that KERAS_BACKEND names: the step inside `fit`."""

from __future__ import annotations

import workload as w
from keras_style import KerasStylePeer

import keras

TITLE = f"Keras/{keras.backend.backend()}"


def version() -> str:
    return keras.__version__


class Peer(KerasStylePeer):
    def __init__(self, workload: w.Workload, threads: int) -> None:
        super().__init__(keras, workload)
