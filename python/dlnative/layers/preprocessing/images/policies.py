"""Layers that apply several others to images, chosen at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops, random
from dlnative.layers.arguments import checked_count
from dlnative.layers.preprocessing.images.colors import RandomBrightness, RandomColorDegeneration, RandomContrast
from dlnative.layers.preprocessing.images.filtering import RandomSharpness
from dlnative.layers.preprocessing.images.geometry import RandomRotation, RandomShear, RandomTranslation
from dlnative.layers.preprocessing.images.image_layer import Draws, ImageLayer, checked_factor, checked_range
from dlnative.layers.preprocessing.images.tones import AutoContrast, Equalization, RandomPosterization, Solarization
from dlnative.utils.checks import integer


class _Policy(ImageLayer):
    """A layer that holds others, one of which each step applies.

    A step is a number and a random state. The state is what the chosen layer draws with, so that images, masks and boxes change
    alike. A plan runs the chosen layer alone.
    """

    def _make_layers(self, factor: tuple[float, float], interpolation: str, names: tuple[str, ...]) -> None:
        shared: dict[str, Any] = {
            "data_format": self.data_format,
            "bounding_box_format": self.bounding_box_format,
            "dtype": self.dtype_policy,
        }
        ranged: dict[str, Any] = {"value_range": self.value_range, **shared}
        made: dict[str, Any] = {
            "random_shear": lambda: RandomShear(factor, factor, interpolation, **shared),
            "random_translation": lambda: RandomTranslation(factor, factor, interpolation=interpolation, **shared),
            "random_rotation": lambda: RandomRotation(factor, interpolation=interpolation, **shared),
            "random_brightness": lambda: RandomBrightness(factor, **ranged),
            "random_color_degeneration": lambda: RandomColorDegeneration(factor, **ranged),
            "random_contrast": lambda: RandomContrast(factor, **ranged),
            "random_sharpness": lambda: RandomSharpness(factor, **ranged),
            "random_posterization": lambda: RandomPosterization(max(1, int(8 * factor[1])), **ranged),
            "solarization": lambda: Solarization(factor, factor, **ranged),
            "auto_contrast": lambda: AutoContrast(**ranged),
            "equalization": lambda: Equalization(**ranged),
        }
        self._names = names
        for name in names:
            setattr(self, name, made[name]())

    value_range: tuple[float, float]

    def _steps(self, count: int, choices: int, seed: Any) -> tuple[Any, Any]:
        """Returns the numbers of the layers of some steps, and their random states."""
        numbers = ops.cast(ops.floor(self._uniform((count,), 0.0, float(choices), seed)), "int32")
        first = random.randint((1,), 0, 2**40, "int64", self.generator if seed is None else seed)
        states = ops.stack([first + np.arange(count), ops.zeros((count,), "int64")], 1)
        return numbers, states

    def _applied(self, what: str, value: Any, number: Any, state: Any, shape: tuple[int, ...]) -> Any:
        """Returns what a step makes of images, masks or boxes.

        Args:
            what: `"images"`, `"segmentation_masks"` or `"bounding_boxes"`.
            value: these.
            number: of the layer; one that there is not leaves them.
            state: the random state.
            shape: of the images.
        """

        def branch(name: str) -> Any:
            layer = getattr(self, name)

            def run(given: Any) -> Any:
                like = given if what == "images" else np.zeros(shape, "float32")
                transformation = layer.get_random_transformation(like, training=True, seed=Draws(state))
                return getattr(layer, f"transform_{what}")(given, transformation)

            return run

        return ops.switch(number, [*map(branch, self._names), lambda given: given], value)

    def _walked(self, what: str, value: Any, numbers: Any, states: Any, shape: tuple[int, ...]) -> Any:
        """Returns what all steps make of something, one after the other."""
        if not numbers.shape[0]:
            return value

        def step(given: Any, x: Any) -> Any:
            return self._applied(what, given, x[0], x[1], shape), None

        return ops.scan(step, value, (numbers, states))[0]

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        return self._changed("images", images, transformation) if training else images

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        return (
            self._changed("segmentation_masks", segmentation_masks, transformation) if training else segmentation_masks
        )

    def _changed(self, what: str, value: Any, transformation: Any) -> Any:
        raise NotImplementedError


class RandAugment(_Policy):
    """Applies some layers, chosen at random, to images, the same to all of a batch, each with random numbers of its own.

    The layers: RandomShear, RandomTranslation, RandomRotation, RandomBrightness, RandomColorDegeneration, RandomContrast,
    RandomSharpness, RandomPosterization, Solarization, AutoContrast, Equalization.

    Args:
        value_range: the smallest and the largest value of images.
        num_ops: how many are applied, one after the other.
        factor: the range that their strengths are drawn from, or its upper end, in `[0, 1]`.
        interpolation: of layers that move images, `"nearest"` or `"bilinear"`.
        seed: an int that determines the numbers; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.
        bounding_box_format: the format of boxes, if there are any.

    Raises:
        ValueError: for another range, number or factor.

    Example:
        >>> from dlnative import layers
        >>> layers.RandAugment(num_ops=1)(np.zeros((2, 8, 8, 3)), training=True).shape
        (2, 8, 8, 3)

    Source:
        Cubuk et al., "RandAugment: practical automated data augmentation with a reduced search space", NeurIPS 2020.
    """

    _arguments_of_config = ("value_range", "num_ops", "factor", "interpolation", "seed")
    _AUGMENT_LAYERS = (
        "random_shear", "random_translation", "random_rotation", "random_brightness", "random_color_degeneration",
        "random_contrast", "random_sharpness", "random_posterization", "solarization", "auto_contrast", "equalization",
    )  # fmt: skip

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = checked_range(self._label, value_range)
        self.num_ops = integer(self._label, "num_ops", num_ops, 0)
        self.factor = checked_factor(self._label, "factor", factor, 0, 1)
        self.interpolation = interpolation
        self._set_seed(seed)
        self._make_layers(self.factor, interpolation, self._AUGMENT_LAYERS)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        numbers, states = self._steps(self.num_ops, len(self._names), seed)
        shape = tuple(self._images_of(data).shape)
        return {"layer_idxes": numbers, "states": states, "input_shape": shape if len(shape) == 4 else (1, *shape)}

    def _changed(self, what: str, value: Any, transformation: Any) -> Any:
        steps = transformation["layer_idxes"], transformation["states"], transformation["input_shape"]
        return self._walked(what, value, *steps)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training:
            return bounding_boxes
        boxes = {**bounding_boxes, "boxes": ops.cast(bounding_boxes["boxes"], "float32")}
        return self._changed("bounding_boxes", boxes, transformation)


class AugMix(_Policy):
    """Mixes images with what several chains of layers, chosen at random, make of them.

    y = w x + (1 - w) Σ vᵢ chainᵢ(x), with v of a Dirichlet and w of a beta distribution.

    Args:
        value_range: the smallest and the largest value of images.
        num_chains: how many chains there are.
        chain_depth: how many layers are in each; some of the places stay empty.
        factor: the range that their strengths are drawn from, or its upper end, in `[0, 1]`.
        alpha: the parameter of both distributions, above 0.
        all_ops: whether layers that change brightness, colour, contrast and sharpness are among them.
        interpolation: of layers that move images, `"nearest"` or `"bilinear"`.
        seed: an int that determines the numbers; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another range, number or factor.

    Source:
        Hendrycks et al., "AugMix: a simple data processing method to improve robustness and uncertainty", ICLR 2020.
    """

    _arguments_of_config = (
        "value_range", "num_chains", "chain_depth", "factor", "alpha", "all_ops", "interpolation", "seed",
    )  # fmt: skip
    _FEW = (
        "random_shear", "random_translation", "random_rotation", "random_posterization", "solarization",
        "auto_contrast", "equalization",
    )  # fmt: skip
    _MORE = ("random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness")

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = checked_range(self._label, value_range)
        self.num_chains = checked_count(self._label, "num_chains", num_chains)
        self.chain_depth = checked_count(self._label, "chain_depth", chain_depth)
        self.factor = checked_factor(self._label, "factor", factor, 0, 1)
        if not isinstance(alpha, (int, float)) or not alpha > 0:
            raise ValueError(f"{self._label}: expected alpha to be a number above 0, got {alpha!r}")
        self.alpha = alpha
        self.all_ops = bool(all_ops)
        self.interpolation = interpolation
        self._set_seed(seed)
        self._make_layers(self.factor, interpolation, self._FEW + self._MORE if self.all_ops else self._FEW)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        numbers, states = self._steps(self.num_chains * self.chain_depth, len(self._names) + 1, seed)
        seed = self.generator if seed is None else seed
        shares = random.gamma((self.num_chains,), self.alpha, seed=seed)
        shape = tuple(self._images_of(data).shape)
        return {
            "chain_mixing_weights": shares / ops.sum(shares),
            "weight_sample": random.beta((), self.alpha, self.alpha, seed=seed),
            "layer_idxes": ops.reshape(numbers, (self.num_chains, self.chain_depth)),
            "states": ops.reshape(states, (self.num_chains, self.chain_depth, 2)),
            "input_shape": shape if len(shape) == 4 else (1, *shape),
        }

    def _changed(self, what: str, value: Any, transformation: Any) -> Any:
        kind = self.compute_dtype if what == "images" else "float32"
        value = ops.cast(value, kind)
        keys = ("chain_mixing_weights", "layer_idxes", "states")

        def chain(mixed: Any, x: Any) -> Any:
            share, numbers, states = x
            made = self._walked(what, value, numbers, states, transformation["input_shape"])
            return mixed + made * share, None

        weights = ops.cast(transformation["chain_mixing_weights"], kind)
        given = (weights, *[transformation[key] for key in keys[1:]])
        mixed, _ = ops.scan(chain, ops.zeros_like(value), given)
        own = ops.cast(transformation["weight_sample"], kind)
        made = own * value + (1.0 - own) * mixed
        return ops.clip(made, *self.value_range) if what == "images" else made

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        raise NotImplementedError(
            f"{self._label}: expected no bounding boxes: mixed images have no single place for one"
        )
