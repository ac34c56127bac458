"""The base of all models: a layer that can be trained."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, TypeVar, cast

from dlnative.data.batches import Data
from dlnative.layers.layer import Layer
from dlnative.models import checks, inputs
from dlnative.models.epoch import feeds_of
from dlnative.models.trainer import Trainer
from dlnative.symbolic import KerasTensor, map_shapes, with_tuples, without_history
from dlnative.utils.checks import integer
from dlnative.utils.terminal import show

if TYPE_CHECKING:
    from dlnative.models.display import PlanTable
    from dlnative.models.profile import Profile


_Model = TypeVar("_Model", bound="Model")


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

    # The calls between symbolic inputs and outputs, where they are known; see `Functional` and `Sequential`.
    _graph: Any = None
    # What is computed outside of the graph, on what the model is given; see `Entry`.
    _entry: Any = None
    _builds_from_shapes = False  # whether `build` takes the shapes of any inputs

    def __new__(cls: type[_Model], *args: Any, **kwargs: Any) -> _Model:
        if cls is Model and _between(args, kwargs):
            from dlnative.models.functional import Functional

            return cast("_Model", Functional.__new__(Functional, *args, **kwargs))
        made: _Model = super().__new__(cls, *args, **kwargs)
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _between(args, kwargs):
            from dlnative.models.functional import Functional

            if not isinstance(self, Functional):
                _become_functional(type(self), Functional)
                Functional.__init__(self, *args, **kwargs)  # type: ignore[arg-type]
                return
        if args or "inputs" in kwargs or "outputs" in kwargs:
            raise ValueError(f"{type(self).__name__}: expected both inputs and outputs, or neither")
        if kwargs or "built" not in self.__dict__:  # beside another layer as a base, that one has been made already
            Layer.__init__(self, **kwargs)
        Trainer.__init__(self)

    @property
    def _fed_graph(self) -> Any:
        """The calls that are compiled."""
        entry = self._entry
        return self._graph if entry is None else entry.compiled

    def _call_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._entry is not None and args:
            args = (self._entry(self._label, args[0]), *args[1:])
        return super()._call_arrays(args, kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self._entry is not None:
            return without_history(alone(self._graph.run(args[0])))
        return super().compute_output_spec(*args, **kwargs)

    def _call_keras_tensors(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._entry is not None:  # its calls become those of the model around it
            return self.call(*args, **kwargs)
        return super()._call_keras_tensors(args, kwargs)

    def __getattr__(self, name: str) -> Any:
        from dlnative.legacy import training

        if name in training.METHODS and "built" in self.__dict__:
            return training.method(self, name)
        return super().__getattr__(name)

    @property
    def layers(self) -> list[Layer]:
        """The layers that the model holds."""
        return self._sublayers()

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            f"{self._label}: `Model.layers` attribute is reserved: expected another name for an attribute, got layers"
        )

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

    def plan(self, batch_size: int = 32, mode: str | None = None, gpu: str | None = None) -> PlanTable:
        """Prints the compiled plan and returns it: each instruction with its shapes, operations and bytes, and the memory.

        Args:
            batch_size: the batch size to plan for.
            mode: `"train"`, `"test"` or `"predict"`; training if the model is compiled, otherwise prediction.
            gpu: a GPU, such as `"H200"`: the time that each instruction would take on it is predicted from its bytes and
                operations, in microseconds; see `backends/gpus.py` for the table and the formula.

        Returns:
            The `PlanTable`, with the instructions in `program.instructions`.

        Raises:
            ValueError: if the GPU is none of the table.
        """
        from dlnative.models.display import plan_table

        result = plan_table(self, batch_size, mode or ("train" if self.compiled else "predict"), gpu)
        show(str(result))
        return result

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

        batch_size = integer("profile", "batch_size", batch_size, 1)
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

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a model from what `get_config` returned.

        Args:
            config: the configuration.
            custom_objects: classes of the user's, by name.
        """
        from dlnative.models.functional_config import from_graph_config, is_graph_config

        return (
            from_graph_config(cls, config, custom_objects)
            if is_graph_config(cls, config)
            else super().from_config(config)
        )

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Saves the model as a file that `saving.load_model`, and Keras, open; see `saving.save_model`.

        Args:
            filepath: where, with the ending `.keras` (or `.h5`).
            overwrite: whether a file of that name is replaced without a question.
            zipped: whether it is one file; otherwise a folder with the same contents.
            **kwargs: see `saving.save_model`.
        """
        from dlnative.saving.api import save_model

        save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, max_shard_size: Any = None) -> None:
        """Saves the weights and the state of the optimizer; see `saving.save_weights`.

        Args:
            filepath: where, with the ending `.weights.h5`, `.weights.npz` or `.safetensors`.
            overwrite: whether a file of that name is replaced without a question.
            max_shard_size: how many GB a file may have; `None` for one file.
        """
        from dlnative.saving.api import save_weights

        save_weights(self, filepath, overwrite, max_shard_size)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Loads weights; see `saving.load_weights`.

        Args:
            filepath: the file.
            skip_mismatch: whether layers for which the file has other shapes are left as they are.
            **kwargs: see `saving.load_weights`.
        """
        from dlnative.saving.api import load_weights

        load_weights(self, filepath, skip_mismatch, **kwargs)

    def export(
        self,
        filepath: Any,
        format: str | None = None,
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Writes what the model computes when it does not train, for programs without dlnative.

        Args:
            filepath: where.
            format: `"onnx"` (with the package `onnx`), for ONNX Runtime and others; `"dlplan"`, for C++ programs with
                dlnative's core, `dlnative/model.h`; by default what the ending of the file says.
            verbose: whether a line says where the file is.
            input_signature: shapes and types of the inputs, nested as these: `InputSpec`s, `KerasTensor`s or arrays. By
                default those of the model, whose batch size, and other sizes that it leaves open, are then open in the file.
            **kwargs: of ONNX, `opset_version`: the version of its operators, 18 or more. Of a plan, which is for inputs of
                one size, `batch_size`: by default 1.

        Raises:
            ImportError: if a package is missing.
            ValueError: if the format is none of these, or has nothing for what the model does. Nothing is then written.
        """
        from dlnative.export.api import export_model

        export_model(self, filepath, format, verbose, input_signature, **kwargs)

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the model for the shapes that `get_build_config` returned; one without a `build` by running its `call`.

        Warns if that is not enough to build it: the class then needs a `build_from_config` of its own.
        """
        if not config or not {"input_shape", "shapes_dict"} & config.keys():
            return
        try:
            if type(self).build is not Layer.build:
                super().build_from_config(config)
                return
            shapes = config.get("shapes_dict") or {"input_shape": config["input_shape"]}
            inputs = {
                name.removesuffix("_shape"): map_shapes(
                    lambda shape: KerasTensor(shape, self.compute_dtype), with_tuples(shape)
                )
                for name, shape in shapes.items()
                if shape is not None
            }
            if "shapes_dict" in config:
                self.compute_output_spec(**inputs)
            else:
                self.compute_output_spec(inputs["input"])
        except Exception as error:
            warnings.warn(
                f"{self._label}: had a build config, but cannot be built automatically: expected its call to run on shapes "
                f"{config}, or a build_from_config() of its own, got {type(error).__name__}: {error}",
                stacklevel=2,
            )

    def to_json(self, **kwargs: Any) -> str:
        """Returns the class and the configuration as text, from which `models.model_from_json` makes such a model again.

        Args:
            **kwargs: of `json.dumps`.
        """
        import json

        from dlnative.saving.serialization import serialize_keras_object

        return json.dumps(serialize_keras_object(self), **kwargs)

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """Returns the values of all variables, nested by the parts of their paths.

        Args:
            value_format: `"backend_tensor"` or `"numpy_array"`; both are NumPy arrays here.

        Returns:
            A dict of `trainable_variables`, `non_trainable_variables`, `optimizer_variables` and `metrics_variables`.

        Raises:
            ValueError: for another format, or if two variables have one path.
        """
        from dlnative.models.state_tree import state_tree

        return state_tree(self, value_format)

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Sets variables.

        Args:
            state_tree: values, nested as `get_state_tree` returns them; variables that are not there keep theirs.

        Raises:
            ValueError: if there is no such variable, or a value does not fit one; nothing is then changed.
        """
        from dlnative.models.state_tree import set_state_tree

        set_state_tree(self, state_tree)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def _repr_html_(self) -> str:
        """Returns the summary, for a notebook."""
        from html import escape

        lines: list[str] = []
        self.summary(print_fn=lines.append)
        text = escape("\n".join(lines))
        return f"<pre>{text}</pre>"


def alone(outputs: Any) -> Any:
    """Returns the output of a model that was made with one output in a list: as in Keras, what a call returns is not nested."""
    return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs


def _between(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Tells whether inputs and outputs are given."""
    return len(args) >= 2 or (len(args) == 1 and "outputs" in kwargs) or ("inputs" in kwargs and "outputs" in kwargs)


def _become_functional(cls: type, functional: type) -> None:
    """Makes a subclass of `Model` one of `Functional`, whose constructor it has called."""
    if cls is Model or functional in cls.__mro__:
        return
    cls.__bases__ = tuple(functional if base is Model else base for base in cls.__bases__)
    for base in cls.__bases__:
        if issubclass(base, Model):
            _become_functional(base, functional)
