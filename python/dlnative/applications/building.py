"""What all of these networks share: their input, their classifier, their weights."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dlnative import activations, layers
from dlnative.config import image_data_format
from dlnative.models import Model
from dlnative.symbolic import KerasTensor
from dlnative.utils import get_file, get_source_inputs

_STORE = "https://storage.googleapis.com/"
OF_TENSORFLOW = f"{_STORE}tensorflow/keras-applications/"


_ARGUMENTS = {
    "include_top": "whether the network ends in a classifier.",
    "weights": '`None` for random ones, `"imagenet"`, or a file.',
    "input_tensor": "what the network is applied to, in place of an input of its own.",
    "input_shape": "the shape of the images, without the batch.",
    "pooling": 'without a classifier: `None`, or `"avg"` or `"max"` over the image.',
    "classes": "how many classes there are.",
    "classifier_activation": "the classifier's activation.",
}


class Weights(NamedTuple):
    """The files of a network's weights: where they are, what they are called, and their hashes.

    With a classifier and without one; a hash is `None` where Keras knows none.
    """

    folder: str
    name: str
    hashes: tuple[str | None, str | None]
    name_without_top: str | None = None

    def path(self, include_top: bool) -> str:
        """Returns the file in the cache, where it is put if it is missing.

        Args:
            include_top: whether the classifier's weights are in it.
        """
        bare = self.name_without_top or self.name.replace(".h5", "_notop.h5")
        name = self.name if include_top else bare
        return get_file(
            name, f"{self.folder}{name}", cache_subdir="models", file_hash=self.hashes[0 if include_top else 1]
        )


class Options(NamedTuple):
    """The arguments that all networks have, by Keras's names."""

    include_top: bool
    weights: Any
    input_tensor: Any
    input_shape: Any
    pooling: str | None
    classes: int
    classifier_activation: Any
    name: str

    def check(self) -> None:
        """Refuses what cannot be right, before anything is built."""
        weights, name = self.weights, self.name
        if weights is not None and weights != "imagenet" and not os.path.exists(weights):
            raise ValueError(
                f"{name}: The `weights` argument should be either `None` (random initialization), 'imagenet', or the path of "
                f"an existing file, got weights={weights!r}"
            )
        if weights == "imagenet" and self.include_top and self.classes != 1000:
            raise ValueError(
                f"{name}: If using `weights='imagenet'` with `include_top=True`, `classes` should be 1000, got "
                f"classes={self.classes}"
            )
        if self.pooling not in (None, "avg", "max"):
            raise ValueError(f'{name}: expected pooling None, "avg" or "max", got {self.pooling!r}')
        if self.include_top and weights is not None:
            wanted = activations.get(self.classifier_activation)
            if wanted not in (activations.get("softmax"), activations.get(None)):
                raise ValueError(
                    f"{name}: Only `None` and `softmax` activations are allowed for the `classifier_activation` argument "
                    f"when using pretrained weights, with `include_top=True`, got {self.classifier_activation!r}"
                )


def described(build: Callable[..., Any], name: str, images: str, **more: str) -> Callable[..., Any]:
    """Gives a function that builds a network its name and its docstring.

    Args:
        build: the function.
        name: the name.
        images: of which images its networks are.
        **more: what its arguments are beside those of `Options`.
    """
    arguments = "\n".join(
        f"        {argument}: {what}" for argument, what in {**_ARGUMENTS, **more, "name": "a name."}.items()
    )
    build.__name__ = build.__qualname__ = name
    build.__doc__ = f"""Builds {name}.

    Args:
{arguments}

    Returns:
        A functional model of {images}.
    """
    return build


def image_shape(options: Options, default_size: int, min_size: int) -> tuple[int | None, ...]:
    """Returns the shape of the images, without the batch.

    Args:
        options: the network's arguments.
        default_size: how large images are where nothing else is said.
        min_size: how small they may be.

    Raises:
        ValueError: if they are smaller, their number of axes or channels is wrong, or a classifier needs to know their size.
    """
    given, first, name = options.input_shape, channel_axis() == 1, options.name
    pretrained = options.weights == "imagenet"

    def shaped(size: int | None, channels: int) -> tuple[int | None, ...]:
        return (channels, size, size) if first else (size, size, channels)

    if given is None:
        return shaped(default_size if options.include_top else None, 3)
    given = tuple(given)
    if len(given) != 3:
        raise ValueError(f"{name}: `input_shape` must be a tuple of three integers, got {given}")
    channels, sizes = (given[0], given[1:]) if first else (given[2], given[:2])
    if pretrained and channels != 3:
        raise ValueError(f"{name}: The input must have 3 channels, got input_shape={given}")
    if pretrained and options.include_top and given != shaped(default_size, 3):
        raise ValueError(
            f"{name}: When setting `include_top=True` and loading `imagenet` weights, `input_shape` should be "
            f"{shaped(default_size, 3)}, got {given}"
        )
    if any(size is not None and size < min_size for size in sizes):
        raise ValueError(f"{name}: Input size must be at least {min_size}x{min_size}, got input_shape={given}")
    if options.include_top and None in given:
        raise ValueError(
            f"{name}: If `include_top` is True, you should specify a static `input_shape`, got input_shape={given}"
        )
    return given


def channel_axis() -> int:
    """Returns the axis of the channels, with the batch counted."""
    return 1 if image_data_format() == "channels_first" else 3


def sizes_of(shape: Sequence[int | None]) -> Sequence[int | None]:
    """Returns rows and columns of an image's shape without the batch."""
    return shape[1:] if channel_axis() == 1 else shape[:2]


def pooled(x: Any, pooling: str | None, named: bool = True) -> Any:
    """Returns the features of a network without a classifier, pooled over the image if that is wanted.

    Args:
        x: the features.
        pooling: `"avg"`, `"max"` or `None`.
        named: whether the layer is called as the files of these weights call it.
    """
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name="avg_pool" if named else None)(x)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name="max_pool" if named else None)(x)
    return x


def classifier(x: Any, options: Options, pool_name: str | None = "avg_pool", **dense: Any) -> Any:
    """Returns the classes' probabilities: the mean over the image, and a dense layer.

    Args:
        x: the features.
        options: the network's arguments.
        pool_name: the name of the pooling layer.
        **dense: further arguments of the dense layer.
    """
    x = layers.GlobalAveragePooling2D(name=pool_name)(x)
    return layers.Dense(options.classes, activation=options.classifier_activation, name="predictions", **dense)(x)


def network(
    options: Options,
    shape: Sequence[int | None],
    body: Callable[[Any], Any],
    top: Callable[[Any], Any],
    files: Weights | None,
    bare: Callable[[Any], Any] | None = None,
) -> Model:
    """Builds a network, and loads its weights.

    Args:
        options: the network's arguments.
        shape: the shape of the images.
        body: makes features of images.
        top: makes probabilities of features.
        files: the files of the weights trained on ImageNet; `None` if there are none.
        bare: what is done to features where there is no classifier; by default they are pooled.

    Raises:
        ValueError: if there are no such weights.
    """
    if options.weights == "imagenet" and files is None:
        raise ValueError(f"{options.name}: expected weights None or a file, got 'imagenet', which has none of them")
    images = options.input_tensor
    if images is None:
        images = inputs = layers.Input(shape=tuple(shape))
    elif isinstance(images, KerasTensor):
        inputs = get_source_inputs(images)
        inputs = inputs[0] if len(inputs) == 1 else inputs
    else:
        raise ValueError(f"{options.name}: expected input_tensor to be what `Input` or a layer returns, got {images!r}")
    x = body(images)
    x = top(x) if options.include_top else (bare or (lambda features: pooled(features, options.pooling)))(x)
    model = Model(inputs, x, name=options.name)
    if options.weights == "imagenet" and files is not None:
        model.load_weights(files.path(options.include_top))
    elif options.weights is not None:
        model.load_weights(options.weights)
    return model


# Blocks.


def normalized(
    x: Any, name: str | None, activation: Any = None, activation_name: str | None = None, **kwargs: Any
) -> Any:
    """Returns a batch normalization over the channels, and an activation behind it if one is given.

    Args:
        x: the features.
        name: the normalization's name.
        activation: the activation.
        activation_name: its name.
        **kwargs: further arguments of the normalization.
    """
    x = layers.BatchNormalization(axis=channel_axis(), name=name, **kwargs)(x)
    return x if activation is None else layers.Activation(activation, name=activation_name)(x)


def same_padding(x: Any, kernel_size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns the zeros around an image, with which a convolution of stride 2 halves it as these weights were trained.

    Args:
        x: the image.
        kernel_size: how large the convolution's kernel is.
    """
    rows, columns = sizes_of(x.shape[1:])
    half = kernel_size // 2
    odd = (1, 1) if rows is None or columns is None else (rows % 2, columns % 2)
    # One more on the side of the end where the size is even; unknown sizes count as even.
    less = (1, 1) if rows is None else (1 - odd[0], 1 - odd[1])
    return (half - less[0], half), (half - less[1], half)


def multiple_of(channels: float, divisor: int = 8, strict: bool = True) -> int:
    """Returns the multiple of a number that is nearest to so many channels.

    Args:
        channels: how many there should be.
        divisor: the number.
        strict: whether more than a tenth less is avoided.
    """
    found = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return found + divisor if strict and found < 0.9 * channels else found


def repeats(count: int, factor: float) -> int:
    """Returns how often a block is repeated in a deeper network."""
    return math.ceil(factor * count)
