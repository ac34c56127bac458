"""The base of all models: a layer that can be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlnative.data.batches import Data
from dlnative.data.conversion import checked_count
from dlnative.layers.layer import Layer
from dlnative.models import checks, inputs
from dlnative.models.epoch import feeds_of
from dlnative.models.trainer import Trainer
from dlnative.utils.terminal import show

if TYPE_CHECKING:
    from dlnative.models.profile import Profile


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

    def plan(self, batch_size: int = 32, mode: str | None = None) -> None:
        """Prints the compiled plan: each instruction with its shapes, operations and bytes, and the memory.

        Args:
            batch_size: the batch size to plan for.
            mode: `"train"`, `"test"` or `"predict"`; training if the model is compiled, otherwise prediction.
        """
        from dlnative.models.display import print_plan

        print_plan(self, batch_size, mode or ("train" if self.compiled else "predict"))

    def profile(self, x: Any, y: Any = None, batch_size: int = 32, plot: Any = None) -> Profile:
        """Times each instruction of a step beside what this machine could do, prints the table and returns it.

        The step is a training step if targets are given, otherwise a prediction. The weights stay as they are.

        Args:
            x: inputs, of which the first `batch_size` samples are used.
            y: targets.
            batch_size: samples in the step.
            plot: a file that the roofline is drawn into; needs matplotlib.

        Returns:
            The `Profile`, with the times in `seconds` and the limits in `limits`.

        Raises:
            ValueError: if there are fewer samples than `batch_size`.
        """
        from dlnative.models.profile import profile_step

        batch_size = checked_count("profile", "batch_size", batch_size)
        if y is None:
            mode, samples = "predict", Data(inputs.input_arrays(self, "profile", x), call="profile")
        else:
            self._assert_compiled("profile")
            mode, samples = "train", inputs.samples(self, "profile", x, y)
        if samples.size < batch_size:
            raise ValueError(f"profile: expected at least {batch_size} samples, got {samples.size}")
        compiled = self._steps.get(mode, samples, batch_size)
        if mode == "train":
            checks.check_targets(self, samples)
        feeds = feeds_of(compiled, samples.arrays, batch_size)
        result = profile_step(f'Profile of "{self.name}": {mode}, batch {batch_size}', compiled, feeds)
        if plot is not None:
            result.plot(plot)
        show(str(result))
        return result

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "trainable": self.trainable}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"
