"""dlnative: the step inside `fit`."""

from __future__ import annotations

import workload as w
from keras_style import KerasStylePeer

import dlnative

TITLE = "dlnative"


def version() -> str:
    return dlnative.__version__


class Peer(KerasStylePeer):
    def __init__(self, workload: w.Workload, threads: int) -> None:
        dlnative.set_num_threads(threads)
        super().__init__(dlnative, workload)
