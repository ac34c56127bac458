"""What `compile` sets of a model: its optimizer, losses and metrics, and how its steps run."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from dlnative import optimizers
from dlnative.models.compiled_loss import distinct
from dlnative.models.objective import Objective
from dlnative.utils.checks import flag, integer


class Compilation:
    """The part of a model that `compile` sets."""

    built: bool
    compute_dtype: str
    trainable_variables: list[Any]
    _label: str
    _overrides: Callable[[str], bool]
    _reset_plans: Callable[[], None]

    def __init__(self) -> None:
        self.compiled = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.run_eagerly = False
        self.jit_compile: Any = True
        self.steps_per_execution = 1
        self.train_function: Any = None
        self.test_function: Any = None
        self.predict_function: Any = None
        self._objective = Objective()

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str | None = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Sets what `fit` does.

        Args:
            optimizer: an optimizer or its name.
            loss: a loss, its name, or a function `(y_true, y_pred)`; for several outputs a list, a dict by their names, or
                nested as they are. In a list for one output, or for a nest of outputs, all its losses are added up.
            loss_weights: what the losses are multiplied by, nested alike.
            metrics: a list of metrics, names or functions `(y_true, y_pred)`; they do not see sample weights. For several
                outputs a list of lists, a dict by their names, or nested as they are.
            weighted_metrics: the same, but these see sample weights.
            run_eagerly: whether Python code (of `call`, losses, `train_step`) runs anew for every batch: slow, for debugging.
            steps_per_execution: after how many batches callbacks of single batches are called.
            jit_compile: changes nothing: every step is compiled.
            auto_scale_loss: whether a model that computes in float16 gets a `LossScaleOptimizer` around its optimizer; other
                types need none.

        Raises:
            ValueError: for an unknown optimizer, loss or metric; the model is then unchanged.
        """
        run_eagerly = flag("compile", "run_eagerly", run_eagerly)
        if jit_compile not in (True, False, None, "auto"):
            raise ValueError(f'compile: expected jit_compile to be True, False, None or "auto", got {jit_compile!r}')
        made = optimizers.get(optimizer)
        if flag("compile", "auto_scale_loss", auto_scale_loss) and self.compute_dtype == "float16" and made is not None:
            if not isinstance(made, optimizers.LossScaleOptimizer):
                made = optimizers.LossScaleOptimizer(made, name="loss_scale_optimizer")
        objective = Objective(loss, loss_weights, metrics, weighted_metrics)
        self.steps_per_execution = integer("compile", "steps_per_execution", steps_per_execution, 1)
        self.run_eagerly, self.jit_compile = run_eagerly, jit_compile
        self.optimizer, self.loss, self._objective = made, loss, objective
        self.train_function = self.test_function = self.predict_function = None
        self.compiled = True
        self._reset_plans()

    def get_compile_config(self) -> dict[str, Any]:
        """Returns what `compile` was given, as numbers, text, lists and dicts; nothing if it was not called."""
        from dlnative.saving.serialization import serialize_keras_object as serialize

        if not self.compiled:
            return {}
        return {
            "optimizer": serialize(self.optimizer),
            **{k: serialize(v) for k, v in self._objective.arguments.items()},
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
            "jit_compile": self.jit_compile,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model with what `get_compile_config` returned, and makes the optimizer's variables.

        A subclass with a `compile` of its own, which may take other arguments, is left as it is, with a warning, unless it
        has a `compile_from_config` of its own as well.
        """
        from dlnative.saving.serialization import deserialize_keras_object as deserialize

        if self._overrides("compile"):
            warnings.warn(
                "`compile()` was not called as part of model loading because the model's `compile()` method is custom. "
                f"{self._label}: expected a compile_from_config beside a compile of its own, or a call of compile() after "
                "loading",
                stacklevel=2,
            )
            return
        self.compile(**{name: deserialize(value) for name, value in config.items()})
        if self.built:
            self._build_optimizer()

    def _build_optimizer(self) -> None:
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    def _output_names(self) -> list[str] | None:
        """Returns the names of the outputs, each once; `None` if they have none."""
        if getattr(self, "outputs", None) is not None:
            return distinct(self.output_names)  # type: ignore[attr-defined]
        return None

    def _assert_compiled(self, call: str) -> None:
        if not self.compiled:
            raise ValueError(f"{self._label}: expected compile() before {call}(), got a model that is not compiled")
