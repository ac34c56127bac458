"""Arrays of the device, dlnative's own and those of others: read, trained on, returned."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest

import dlnative
from cuda_samples import classifier, samples
from dlnative import ops
from dlnative.backends import selection

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif("cuda" not in selection.known(), reason="no CUDA kernels were built"),
]


class Foreign:
    """An array of another library, in the device's memory."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape, self.ndim = array.shape, array.ndim
        self.__cuda_array_interface__ = array.__cuda_array_interface__

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array is not allowed")


class OfDlpack:
    """An array that DLPack alone gives away."""

    def __init__(self, array: Any) -> None:
        self.shape = array.shape
        self.__dlpack__ = array.__dlpack__
        self.__dlpack_device__ = array.__dlpack_device__


def placed(native: Any, values: Any) -> Foreign:
    return Foreign(native.DeviceArray.upload(np.ascontiguousarray(values)))


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "uint8", "float16"])
def test_arrays_of_the_device(native: Any, dtype: str) -> None:
    values = np.arange(12).reshape(3, 4).astype(dtype)
    array = native.DeviceArray.upload(values)
    assert array.shape == (3, 4)
    assert array.dtype == values.dtype
    assert array.nbytes == values.nbytes
    for other in (
        array,
        native.DeviceArray.from_interface(Foreign(array)),
        native.DeviceArray.from_dlpack(OfDlpack(array)),
    ):
        np.testing.assert_array_equal(other.numpy(), values)
        np.testing.assert_array_equal(np.asarray(other), values)
    np.testing.assert_array_equal(array[1:].numpy(), values[1:])
    assert (
        native.DeviceArray.from_interface(array).__cuda_array_interface__["data"]
        == (array.__cuda_array_interface__["data"])
    )


def test_arrays_that_are_not_dense_are_refused(native: Any) -> None:
    array = native.DeviceArray.upload(np.zeros((3, 4), "float32"))
    strided = Foreign(array)
    strided.__cuda_array_interface__ = {**array.__cuda_array_interface__, "strides": (4, 12)}
    with pytest.raises(ValueError, match="expected a C-contiguous array"):
        native.DeviceArray.from_interface(strided)


def test_training_and_prediction_of_arrays_of_the_device(native: Any) -> None:
    x, y = samples()
    results = []
    for given in ((x, y), (placed(native, x), placed(native, y))):
        model = classifier()
        dlnative.utils.set_random_seed(2)
        losses = model.fit(*given, batch_size=8, epochs=2, verbose=0).history["loss"]
        losses += model.evaluate(*given, verbose=0)
        losses += model.train_on_batch(*given)
        results.append((losses, model.predict(given[0], verbose=0), model.predict(given[0], batch_size=7, verbose=0)))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
    np.testing.assert_array_equal(results[0][2], results[1][2])


def test_data_of_the_device_is_not_copied_there_again(native: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = samples()
    given = placed(native, x), placed(native, y)
    uploads: list[Any] = []
    backend: Any = selection.current()

    def place(array: Any) -> Any:
        found = placed_as_ever(array)
        uploads.extend([array] if getattr(array, "resident", None) is None else [])
        return found

    placed_as_ever = backend._placed
    monkeypatch.setattr(backend, "_placed", place)
    classifier().fit(*given, batch_size=8, verbose=0)
    assert uploads == []
    classifier().fit(x, y, batch_size=8, verbose=0)
    assert len(uploads) == 2


def test_calls_take_arrays_of_the_device_and_give_them(native: Any) -> None:
    model = classifier()
    x = samples(16)[0]
    expected = model(x)
    for given in (
        placed(native, x),
        OfDlpack(native.DeviceArray.upload(x)),
        native.DeviceArray.upload(x),
        placed(native, x.astype("float64")),
    ):
        found = model(given)
        assert type(found) is native.DeviceArray
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
    product = ops.matmul(placed(native, x), x.T)
    np.testing.assert_allclose(np.asarray(product), x @ x.T, rtol=1e-5)
    assert type(product) is native.DeviceArray


def test_what_comes_from_cupy_goes_to_cupy(native: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ndarray = type("ndarray", (Foreign,), {"__module__": "cupy"})
    cupy = types.ModuleType("cupy")
    cupy.ndarray, cupy.asarray = ndarray, ndarray  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    model = classifier()
    x = samples(16)[0]
    for dtype in ("float32", "float64"):
        found = model(ndarray(native.DeviceArray.upload(x.astype(dtype))))
        assert type(found) is ndarray
        np.testing.assert_allclose(found._array.numpy(), model(x), rtol=1e-6)
