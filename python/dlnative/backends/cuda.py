"""The CUDA backend: hands programs to the kernels of cuda/, on a GPU or, to prove them, on the CPU."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any

from dlnative.backends import selection
from dlnative.backends.backend import Executor, Limits
from dlnative.backends.native_plan import native_plan
from dlnative.backends.program import Array, Program
from dlnative.dtypes import adopters


def native_module() -> ModuleType:
    """Returns the module of the kernels, those that run on the CPU with `DLNATIVE_CUDA_HOST=1`."""
    on_host = os.environ.get("DLNATIVE_CUDA_HOST") == "1"
    return importlib.import_module("dlnative._cuda_host" if on_host else "dlnative._cuda")


class CudaBackend:
    """Kernels of a GPU. With `DLNATIVE_CUDA_HOST=1` the same kernels, thread by thread on the CPU.

    Variables lie on the device from one run to the next. What the host writes goes there before the next run, and what runs
    write comes back when somebody reads it.

    Raises:
        RuntimeError: if there is no GPU, or its driver is too old.
    """

    name = "cuda"
    # A launch takes longer than the arithmetic of a small chain, so all are worth it.
    limits = Limits(chain_elements=1)

    def __init__(self) -> None:
        self.native = native_module()
        try:
            self.device: dict[str, Any] = self.native.device()
        except RuntimeError as error:
            raise RuntimeError(
                f'backend "cuda": expected a GPU with a driver for CUDA 13 (580 or newer), got: {error}; the backend "cpu" '
                "needs none"
            ) from None
        self._codes = {name: code for code, name in enumerate(self.native.op_names())}
        selection.readers.append(self.native.host_will_read)
        adopters.append(self.adopt)

    def build(self, program: Program) -> Executor:
        """Returns a plan of a program, recorded.

        Raises:
            NotImplementedError: if an op has no CUDA kernel.
            TypeError: if a kernel does not take the types of its operands.
            ValueError: if the program is malformed.
        """
        return native_plan(program, self.name, self.native, self._codes)

    def has_kernel(self, op: str) -> bool:
        """Returns whether there is a kernel for an op, for some types, or the host computes it."""
        from dlnative.graph.op import OPS

        return op in self._codes or OPS[op].roles.host

    def invalidate(self, array: Array) -> None:
        """What was written goes to the device before the next run."""
        self.native.host_has_written(array)

    def place(self, arrays: list[Array]) -> list[Any]:
        """Returns the arrays on the device; as they are if there is not enough memory: batches then go there one by one."""
        try:
            return [self._placed(array) for array in arrays]
        except MemoryError:
            return arrays

    def _placed(self, array: Array) -> Any:
        there = getattr(array, "resident", None)  # of data that came from there
        return self.native.DeviceArray.upload(array) if there is None else there

    def adopt(self, array: Any) -> Any:
        """Returns an array of another library that lies on the device, in its own memory.

        Returns:
            The array; `None` while another backend computes.
        """
        if selection.current() is not self:
            return None
        found = self.native.DeviceArray
        if isinstance(array, found):
            return array
        if hasattr(array, "detach"):  # a tensor of PyTorch that takes part in gradients offers no interface
            array = array.detach()
        return found.from_interface(array) if hasattr(array, "__cuda_array_interface__") else found.from_dlpack(array)

    def leave(self) -> None:
        """Brings all variables back."""
        self.native.leave_memory_to_the_host()
