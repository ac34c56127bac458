"""Names that Keras 3 has given up, by package, and what they are called today."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from dlnative.legacy.modules import MODULES
from dlnative.legacy.warning import renamed

_ERRORS = {
    "mse": "mean_squared_error", "MSE": "mean_squared_error", "mae": "mean_absolute_error", "MAE": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error", "MAPE": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "MSLE": "mean_squared_logarithmic_error", "kld": "kl_divergence",
    "KLD": "kl_divergence", "kullback_leibler_divergence": "kl_divergence", "bce": "binary_crossentropy",
    "BCE": "binary_crossentropy", "logcosh": "log_cosh",
}  # fmt: skip
NAMES = {
    "constraints": {"maxnorm": "max_norm", "nonneg": "non_neg", "unitnorm": "unit_norm"},
    "layers": {"CuDNNGRU": "GRU", "CuDNNLSTM": "LSTM", "Deconvolution2D": "Conv2DTranspose"},
    "losses": {**_ERRORS, "cosine_proximity": "cosine_similarity"},
    "metrics": _ERRORS,
    "regularizers": {"l1l2": "l1_l2"},
}  # fmt: skip
_REDUCTION = "dlnative.legacy.reduction"


def find(package: str, name: str) -> Any:
    """Returns what a package held under a name that Keras has given up, with a warning that says what it is called now.

    Args:
        package: the whole name of the package.
        name: the older name: of a module, a class or a function.

    Raises:
        AttributeError: if it is no such name.
    """
    if name.startswith("_"):
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    own = package.removeprefix("dlnative").lstrip(".")
    module = f"{own}.{name}".lstrip(".")
    if module in MODULES:
        return importlib.import_module(f"dlnative.{module}")
    if name == "Reduction" and own == "losses":
        return importlib.import_module(_REDUCTION).Reduction
    today = NAMES.get(own, {}).get(name)
    if today is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    home = package if own != "metrics" else "dlnative.losses"
    renamed(f"keras.{own}.{name}", f"{home.replace('dlnative', 'keras')}.{today}")
    return getattr(sys.modules[home], today)


def in_logs(name: str, logs: Any) -> str:
    """Returns the name under which logs have a metric: accuracy was once `acc` for every model.

    Args:
        name: the name that is looked for.
        logs: the names that are there.
    """
    for short, long in (("acc", "accuracy"), ("accuracy", "acc")):
        if name not in logs and name.removeprefix("val_") == short:
            other = name.removesuffix(short) + long
            if other in logs:
                renamed(f'the name "{short}"', f'"{long}", as the model calls it')
                return other
    return name
