"""Low-rank adaptation: a frozen matrix of weights plus a product of two narrow ones that are trained."""

from __future__ import annotations

from typing import Any

from dlnative import initializers, ops
from dlnative.graph.variable import Variable
from dlnative.layers.layer import Layer


class LowRankLayer(Layer):
    """A layer whose main weights W can be frozen and trained as `W + lora_alpha / lora_rank * A B`.

    Source:
        Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022.
    """

    _main: str  # the name of the weights; the variable is the attribute with an underscore in front

    def __init__(self, lora_rank: int | None, lora_alpha: float | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lora_rank = lora_rank
        self.lora_alpha = lora_rank if lora_alpha is None else lora_alpha
        self.lora_enabled = False

    def _factor_shapes(self, shape: tuple[int, ...], rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Returns the shapes of A and B for the shape of W."""
        return (*shape[:-1], rank), (rank, shape[-1])

    def _effective(self) -> Any:
        """Returns the weights that the layer computes with."""
        weights = getattr(self, f"_{self._main}")
        if not self.lora_enabled:
            return weights
        scale = float(self.lora_alpha) / self.lora_rank  # type: ignore[arg-type, operator]
        prefix = f"lora_{self._main}"
        low_rank = ops.matmul(getattr(self, f"{prefix}_a"), getattr(self, f"{prefix}_b"))
        return ops.cast(ops.add(weights, low_rank * scale), self.compute_dtype)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts the values of the weights into a dict, the main ones with the product of the narrow matrices added."""
        if not self.lora_enabled:
            super().save_own_variables(store)
            return
        for place, variable in enumerate(self._stored_variables()):
            main = variable is getattr(self, f"_{self._main}")
            store[str(place)] = ops.convert_to_numpy(self._effective()) if main else variable.numpy()

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Takes the values of the weights out of a dict; the product of the narrow matrices becomes zero."""
        super().load_own_variables(store)
        for letter in "ab" if self.lora_enabled else "":
            factor = getattr(self, f"lora_{self._main}_{letter}")
            factor.assign(ops.zeros(factor.shape))

    def _stored_variables(self) -> list[Variable]:
        """Returns the layer's own weights in the order in which they were made, but the narrow matrices."""
        if not self.lora_enabled:
            return super()._stored_variables()
        factors = {getattr(self, f"lora_{self._main}_{letter}") for letter in "ab"}
        return [variable for variable in self._variables if variable not in factors]

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        """Freezes the main weights and adds two narrow matrices that are trained in their place.

        Args:
            rank: the extent between the two.
            lora_alpha: the product is multiplied by `lora_alpha / rank`; by default the rank.
            a_initializer, b_initializer: how the two begin.

        Raises:
            ValueError: if the weights have a constraint, the layer is not built, or this was done before.
        """
        if getattr(self, f"{self._main}_constraint"):
            raise ValueError(
                f"{self._label}: Lora is incompatible with {self._main.removesuffix('s')} constraints: expected "
                f"{self._main}_constraint=None"
            )
        if not self.built:
            raise ValueError(f"{self._label}: Cannot enable lora on a layer that isn't yet built")
        if self.lora_enabled:
            raise ValueError(f"{self._label}: lora is already enabled: expected at most one call")
        weights: Variable = getattr(self, f"_{self._main}")
        regularizer = getattr(self, f"{self._main}_regularizer")
        locked, self._locked = self._locked, False
        try:
            shapes = self._factor_shapes(weights.shape, rank)
            for letter, shape, initializer in zip("ab", shapes, (a_initializer, b_initializer), strict=True):
                name = f"lora_{self._main}_{letter}"
                variable = self.add_weight(
                    shape=shape,
                    name=name,
                    initializer=initializers.get(initializer),
                    dtype="float32",
                    regularizer=regularizer,
                )
                setattr(self, name, variable)
        finally:
            self._locked = locked
        weights.trainable = False
        self.lora_enabled = True
        self.lora_rank = rank
        self.lora_alpha = rank if lora_alpha is None else lora_alpha

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.lora_rank:
            config |= {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha}
        return config
