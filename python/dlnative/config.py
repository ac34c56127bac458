"""What was built and what it runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dlnative.backends.selection import backend as backend
from dlnative.backends.selection import set_backend as set_backend
from dlnative.dtype_policies import dtype_policy as dtype_policy
from dlnative.dtype_policies import set_dtype_policy as set_dtype_policy
from dlnative.dtypes import epsilon as epsilon
from dlnative.dtypes import floatx as floatx
from dlnative.dtypes import set_epsilon as set_epsilon
from dlnative.dtypes import set_floatx as set_floatx
from dlnative.utils.checks import integer
from dlnative.utils.terminal import disable_interactive_logging as disable_interactive_logging
from dlnative.utils.terminal import enable_interactive_logging as enable_interactive_logging
from dlnative.utils.terminal import is_interactive_logging_enabled as is_interactive_logging_enabled

_most: dict[str, int | None] = {"epochs": None, "steps": None}


def enable_unsafe_deserialization() -> None:
    """Lets every later load run the lambdas that a file holds, whose code could do anything; see `saving.load_model`."""
    from dlnative.saving import serialization

    serialization.enable_unsafe_deserialization()


def max_epochs() -> int | None:
    """Returns the number of epochs that no `fit` goes beyond; `None`: any number."""
    return _most["epochs"]


def set_max_epochs(max_epochs: int | None) -> None:
    """Sets the number of epochs that no `fit` goes beyond, to try a program out."""
    _most["epochs"] = _checked("set_max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """Returns the number of steps that no epoch goes beyond; `None`: any number."""
    return _most["steps"]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Sets the number of steps that no epoch (or `evaluate`, or `predict`) goes beyond, to try a program out."""
    _most["steps"] = _checked("set_max_steps_per_epoch", max_steps_per_epoch)


@contextmanager
def device(device_name: str) -> Iterator[None]:
    """Chooses the device for the statements of a `with` block: there is one, the CPU.

    Args:
        device_name: `"cpu"` or `"cpu:0"`, in any case.

    Raises:
        ValueError: for another device.
    """
    if str(device_name).lower().removeprefix("/").removeprefix("device:") not in ("cpu", "cpu:0"):
        raise ValueError(f'device: expected "cpu" or "cpu:0", got {device_name!r}')
    yield


def _checked(call: str, value: Any) -> int | None:
    return None if value is None else integer(call, "a number", value, 1)


_image_data_format = "channels_last"


def image_data_format() -> str:
    """Returns where layers that are not told expect the channels of images: `"channels_last"` or `"channels_first"`."""
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Sets where layers that are not told expect the channels of images.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for any other value.
    """
    global _image_data_format
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f'set_image_data_format: expected "channels_last" or "channels_first", got {data_format!r}')
    _image_data_format = data_format


class BuildConfig(dict[str, Any]):
    """A dict that prints as a table."""

    def __repr__(self) -> str:
        width = max(map(len, self))
        return "\n".join(f"{key:<{width}}  {_text(value)}" for key, value in self.items())


def _gpu(known: list[str]) -> str | None:
    """Returns what the CUDA kernels run on, or why they do not; `None` if there are none."""
    if "cuda" not in known:
        return None
    from dlnative.backends import selection

    try:
        backend: Any = selection.get("cuda")
    except (ImportError, RuntimeError, ValueError) as error:
        return f"none: {error}"
    device = backend.device
    if device["name"] == "host":
        return "none: the kernels run on the CPU (DLNATIVE_CUDA_HOST)"
    major, minor = device["capability"]
    return f"{device['name']}, compute capability {major}.{minor}, driver for CUDA {device['driver'] / 1000:g}"


def build_config() -> BuildConfig:
    """Returns versions, compiler, instruction sets, threads and whether CUDA kernels were built; prints as a table."""
    import platform

    import numpy as np

    from dlnative import __version__, _native
    from dlnative.backends import selection

    built = _native.build_info()
    return BuildConfig(
        {
            "dlnative": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "backend": selection.backend(),
            "compiler": built["compiler"],
            "build type": built["build_type"],
            "instruction set": _native.isa(),
            "available": _native.available_isas(),
            "threads": _native.num_threads(),
            "cuda": built["cuda"] and "cuda" in selection.known(),
            "gpu": _gpu(selection.known()),
        }
    )


def num_threads() -> int:
    """Returns the most threads that a plan may use."""
    from dlnative import _native

    return int(_native.num_threads())


def set_num_threads(count: int) -> None:
    """Sets the most threads that a plan may use; results do not depend on it.

    Args:
        count: 1 or more. The environment variable `DLNATIVE_NUM_THREADS` sets the first value; without it, it is the
            number of cores that the process may run on.

    Raises:
        ValueError: for anything else.
    """
    from dlnative import _native

    _native.set_num_threads(min(integer("set_num_threads", "count", count, 1), 2**31 - 1))


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def enable_flash_attention() -> None:
    """Lets attention be computed without its whole matrix of scores, which it always is; there is no other way to choose."""


def is_flash_attention_enabled() -> bool:
    """Tells whether attention is computed without its whole matrix of scores: always."""
    return True


def disable_traceback_filtering() -> None:
    """Lets tracebacks show the calls inside the library, which they always do; there is no filter to enable."""


def is_traceback_filtering_enabled() -> bool:
    """Tells whether tracebacks leave out calls: never."""
    return False


def is_nnx_enabled() -> bool:
    """Tells whether variables are those of Flax: never."""
    return False
