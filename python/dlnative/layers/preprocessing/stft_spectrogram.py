"""STFTSpectrogram: the short-time Fourier transform as a convolution, which may be trained."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from dlnative import dtypes, initializers, ops
from dlnative.layers.arguments import checked_count, checked_data_format
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.layer import Layer

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class STFTSpectrogram(Layer):
    """Turns signals into what frequencies they have, frame by frame.

    X[t, f] = sum over s of window[s] x[t * frame_step + s] exp(-2 pi i s f / fft_length), computed as two convolutions, whose
    kernels are weights

    Args:
        mode: `"stft"`: real and then imaginary parts; `"real"`, `"imag"`, `"angle"`; `"psd"`: |X|^2, twice that where a
            frequency has a negative one; `"magnitude"`: |X|; `"log"`: ln |X|.
        frame_length: samples in a frame.
        frame_step: samples between the beginnings of frames, by default half of `frame_length`.
        fft_length: how finely frequencies are resolved, by default the next power of two.
        window: `"hann"`, `"hamming"`, `"blackman"`, with SciPy any of its windows, the values of one, or `None`.
        periodic: whether the window is periodic instead of symmetric.
        scaling: what the window is divided by: `"density"`: its norm; `"spectrum"`: its sum; `None`: nothing.
        padding: `"valid"`: whole frames; `"same"`: as many frames as steps, with zeros at the ends.
        expand_dims: whether frequencies get an axis of their own, as of an image.
        data_format: `"channels_last"` or `"channels_first"`.

    Shapes:
        input `(batch, samples, channels)`; output `(batch, frames, channels * frequencies)`, or with `expand_dims`
        `(batch, frames, frequencies, channels)`, where there are `fft_length // 2 + 1` frequencies. Channels come first if
        `data_format` says so.

    Raises:
        ValueError: for wrong arguments.
        TypeError: if the input is not of a float type.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.STFTSpectrogram(frame_length=8)(np.ones((2, 32, 1), "float32")).shape
        (2, 7, 5)
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        label = self._label
        self.frame_length = checked_count(label, "frame_length", frame_length)
        if frame_step is not None and not 1 <= checked_count(label, "frame_step", frame_step) <= frame_length:
            raise ValueError(
                f"{label}: `frame_step` should be a positive integer not greater than `frame_length`, {frame_length}, got "
                f"{frame_step}"
            )
        if fft_length is not None and checked_count(label, "fft_length", fft_length) < frame_length:
            raise ValueError(
                f"{label}: `fft_length` should be not less than `frame_length`, {frame_length}, got {fft_length}"
            )
        if fft_length is not None and fft_length & (fft_length - 1):
            warnings.warn(f"{label}: `fft_length` is recommended to be a power of two, got {fft_length}", stacklevel=2)
        for name, value, known in (
            ("mode", mode, _MODES), ("scaling", scaling, (None, "density", "spectrum")), ("padding", padding, ("valid", "same")),
        ):  # fmt: skip
            if value not in known:
                raise ValueError(f"{label}: {name} is invalid, it must be one of {known}, got {name}={value!r}")
        self.mode, self.scaling, self.padding = mode, scaling, padding
        self.frame_step, self.fft_length = frame_step, fft_length
        self.window, self.periodic = window, periodic
        self.expand_dims = expand_dims
        self.data_format = checked_data_format(label, data_format)
        self.input_spec = InputSpec(ndim=3)
        self._step = frame_step or max(frame_length // 2, 1)
        self._bands = (fft_length or 1 << (frame_length - 1).bit_length()) // 2 + 1
        self._initializers = [
            initializers.STFT(side, window, scaling, periodic)
            for side in ("real", "imag")  # refuses an unknown window
        ]

    def build(self, input_shape: Any) -> None:
        shape = (self.frame_length, 1, self._bands)
        if self.mode != "imag":
            self.real_kernel = self.add_weight(name="real_kernel", shape=shape, initializer=self._initializers[0])
        if self.mode != "real":
            self.imag_kernel = self.add_weight(name="imag_kernel", shape=shape, initializer=self._initializers[1])

    def call(self, inputs: Any) -> Any:
        if not dtypes.is_float(inputs.dtype):
            raise TypeError(f"{self._label}: Invalid input type: expected floats, got {inputs.dtype}")
        last = self.data_format == "channels_last"
        signals = ops.transpose(inputs, (0, 2, 1)) if last else inputs
        channels, samples = signals.shape[1:]
        signals = ops.reshape(signals, (-1, samples, 1))
        parts = [
            self._frames(signals, channels, kernel)
            for kernel, unused in ((lambda: self.real_kernel, "imag"), (lambda: self.imag_kernel, "real"))
            if self.mode != unused
        ]
        return self._arranged(self._combined(parts), last)

    def _frames(self, signals: Any, channels: int, kernel: Any) -> Any:
        """Returns the products of frames with a kernel: (batch, channels, frames, frequencies)."""
        found = ops.conv(
            signals, ops.cast(kernel(), signals.dtype), self._step, self.padding, data_format="channels_last"
        )
        return ops.reshape(found, (-1, channels, *found.shape[1:]))

    def _combined(self, parts: list[Any]) -> Any:
        if len(parts) == 1:
            return parts[0]
        real, imag = parts
        if self.mode == "stft":
            return ops.concatenate([real, imag], axis=-1)
        if self.mode == "angle":
            return ops.arctan2(imag, real)
        power = ops.square(real) + ops.square(imag)
        if self.mode == "psd":
            twice = np.ones(self._bands, dtypes.NUMPY[power.dtype])
            twice[1:-1] = 2
            return power * twice
        magnitude = ops.sqrt(ops.maximum(power, 1e-7))
        return magnitude if self.mode == "magnitude" else ops.log(ops.maximum(magnitude, 1e-7))

    def _arranged(self, found: Any, last: bool) -> Any:
        channels, frames, bands = found.shape[1:]
        if self.expand_dims:
            return ops.transpose(found, (0, 2, 3, 1)) if last else found
        if last:
            return ops.reshape(ops.transpose(found, (0, 2, 1, 3)), (-1, frames, channels * bands))
        return ops.reshape(ops.transpose(found, (0, 1, 3, 2)), (-1, channels * bands, frames))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mode": self.mode,
            "frame_length": self.frame_length,
            "frame_step": self.frame_step,
            "fft_length": self.fft_length,
            "window": self.window,
            "periodic": self.periodic,
            "scaling": self.scaling,
            "padding": self.padding,
            "expand_dims": self.expand_dims,
            "data_format": self.data_format,
        }
