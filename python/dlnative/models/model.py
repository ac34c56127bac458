"""The base of all models: a layer that can be trained."""

from __future__ import annotations

from typing import Any

from dlnative.layers.layer import Layer
from dlnative.models.trainer import Trainer


class Model(Trainer, Layer):
    """A layer with training: `compile`, `fit`, `evaluate`, `predict`.

    `Model(inputs, outputs)` makes a functional model of the layers between symbolic tensors; a subclass writes `call`
    (with an argument `training` where it matters) and makes its layers in `__init__`.

    Args:
        inputs, outputs: symbolic tensors, for a functional model.
        name: a name.

    Example:
        >>> import dlnative
        >>> inputs = dlnative.Input((4,))
        >>> outputs = dlnative.layers.Dense(2)(inputs)
        >>> dlnative.Model(inputs, outputs).count_params()
        10
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and (len(args) >= 2 or "outputs" in kwargs):
            from dlnative.models.functional import Functional

            return super().__new__(Functional)
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args or "inputs" in kwargs or "outputs" in kwargs:
            raise ValueError(f"{type(self).__name__}: expected both inputs and outputs, or neither")
        Layer.__init__(self, **kwargs)
        Trainer.__init__(self)

    @property
    def layers(self) -> list[Layer]:
        """The layers that the model holds."""
        return self._sublayers()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Returns a layer by its name or its place.

        Raises:
            ValueError: if there is none.
        """
        layers = self.layers
        if index is not None and -len(layers) <= index < len(layers):
            return layers[index]
        for layer in layers:
            if index is None and layer.name == name:
                return layer
        wanted = f'"{name}"' if index is None else index
        raise ValueError(f"{self._label}: expected one of the layers {[layer.name for layer in layers]}, got {wanted}")

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: list[str] | None = None,
    ) -> None:
        """Prints a table of the layers, their output shapes and their numbers of parameters.

        Args:
            line_length: the width of the table.
            positions: where the columns end, as shares of the width.
            print_fn: what each line is given to; `print` by default.
            expand_nested: whether the layers of models inside are shown.
            show_trainable: whether a column says which layers are trainable.
            layer_range: names of the first and the last layer to show.
        """
        from dlnative.utils.summary import print_summary

        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def _summary_rows(self) -> list[tuple[Any, Any, int, list[str]]]:
        """Returns a row for each layer: itself, its output shape, its parameters, and what it is connected to."""
        return [(layer, layer._output_shape, layer.count_params() if layer.built else 0, []) for layer in self.layers]

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "trainable": self.trainable}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"
