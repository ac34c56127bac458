"""MelSpectrogram: signals as what is heard of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.layers.arguments import checked_count
from dlnative.layers.preprocessing.data_layer import Array, DataLayer


class MelSpectrogram(DataLayer):
    """Turns signals into the power in bands of frequencies that are about equally wide to the ear, in decibels.

    mel(f) = 1127 ln(1 + f / 700); a band is a triangle over the mel scale

    Args:
        fft_length: samples that are transformed at once.
        sequence_stride: samples between the beginnings of windows.
        sequence_length: samples in a window, by default `fft_length`.
        window: `"hann"`, `"hamming"`, the values of a window, or `None`.
        sampling_rate: samples a second.
        num_mel_bins: the number of bands.
        min_freq, max_freq: the lowest and the highest frequency, in hertz; by default up to half of `sampling_rate`.
        power_to_db: whether the result is in decibels: 10 log10(power / ref_power).
        top_db: how far below the highest value the result goes at most.
        mag_exp: the power of the magnitude, 2 for power.
        min_power: the smallest power that is told from 0.
        ref_power: the power of 0 dB.

    Shapes:
        input `(samples,)` or `(batch, samples)`, output `(num_mel_bins, windows)` or `(batch, num_mel_bins, windows)`.

    Raises:
        ValueError: for wrong arguments.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.MelSpectrogram(fft_length=256, sequence_stride=64, num_mel_bins=20)(np.ones((2, 640), "float32")).shape
        (2, 20, 11)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        label = self._label
        self.fft_length = checked_count(label, "fft_length", fft_length)
        self.sequence_stride = checked_count(label, "sequence_stride", sequence_stride)
        self.sequence_length = checked_count(label, "sequence_length", sequence_length or fft_length)
        self.num_mel_bins = checked_count(label, "num_mel_bins", num_mel_bins)
        if self.fft_length < self.sequence_length:
            raise ValueError(
                f"{label}: `fft_length` must be greater than or equal to `sequence_length`, {self.sequence_length}, got "
                f"{fft_length}"
            )
        self.window = window
        self.sampling_rate = sampling_rate
        self.min_freq, self.max_freq = min_freq, max_freq or sampling_rate // 2
        if not 0 <= self.min_freq < self.max_freq <= sampling_rate / 2:
            raise ValueError(
                f"{label}: expected 0 <= min_freq < max_freq <= {sampling_rate / 2:g}, half of sampling_rate, got {min_freq} and "
                f"{max_freq}"
            )
        self.power_to_db, self.top_db = power_to_db, top_db
        self.mag_exp, self.min_power, self.ref_power = mag_exp, min_power, ref_power
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        dtype = self.compute_dtype if self.compute_dtype in ("float32", "float64") else "float32"
        real, imag = ops.stft(
            ops.cast(inputs, dtype), self.sequence_length, self.sequence_stride, self.fft_length, self.window
        )
        power = ops.power(ops.sqrt(ops.square(real) + ops.square(imag)), self.mag_exp)
        bands = ops.matmul(power, self._weights().astype(dtypes.NUMPY[dtype]))
        if self.power_to_db:
            reference = 10.0 * np.log10(max(abs(self.ref_power), self.min_power))
            bands = 10.0 * ops.log10(ops.maximum(bands, self.min_power)) - reference
            bands = ops.maximum(bands, ops.max(bands) - self.top_db)
        return ops.cast(ops.swapaxes(bands, -1, -2), self.compute_dtype)

    def _weights(self) -> Array:
        """Returns the share that each frequency has in each band: (fft_length / 2 + 1, num_mel_bins)."""
        return self.linear_to_mel_weight_matrix(
            self.num_mel_bins, self.fft_length // 2 + 1, self.sampling_rate, self.min_freq, self.max_freq, "float64"
        )

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: str = "float32",
    ) -> Array:
        """Returns the share that each of evenly spaced frequencies has in each band.

        Args:
            num_mel_bins: the number of bands.
            num_spectrogram_bins: the number of frequencies, from 0 to half of `sampling_rate`; 0 is in no band.
            sampling_rate: samples a second.
            lower_edge_hertz, upper_edge_hertz: where the bands begin and end.
            dtype: of the result.

        Returns:
            An array of shape `(num_spectrogram_bins, num_mel_bins)`.
        """
        edges = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        places = _mel(np.linspace(0.0, sampling_rate / 2, num_spectrogram_bins))[:, None]
        rising, falling = (places - low) / (middle - low), (high - places) / (high - middle)
        weights = np.maximum(0.0, np.minimum(rising, falling))
        weights[0] = 0.0
        return np.asarray(weights.astype(dtypes.NUMPY[dtype]))

    def get_config(self) -> dict[str, Any]:
        names = (
            "fft_length", "sequence_stride", "sequence_length", "window", "sampling_rate", "num_mel_bins", "min_freq", "max_freq",
            "power_to_db", "top_db", "mag_exp", "min_power", "ref_power",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0)
