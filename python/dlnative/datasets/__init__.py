"""Data sets: one shipped with dlnative, others fetched on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.datasets import (
        boston_housing as boston_housing,
    )
    from dlnative.datasets import (
        california_housing as california_housing,
    )
    from dlnative.datasets import cifar10 as cifar10
    from dlnative.datasets import cifar100 as cifar100
    from dlnative.datasets import digits as digits
    from dlnative.datasets import fashion_mnist as fashion_mnist
    from dlnative.datasets import imdb as imdb
    from dlnative.datasets import mnist as mnist
    from dlnative.datasets import reuters as reuters

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]

__getattr__ = lazily(__name__, dict.fromkeys(__all__, ()))
