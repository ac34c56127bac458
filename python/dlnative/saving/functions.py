"""Functions in configurations: by name, and lambdas, which only their code can stand for."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from dlnative.saving.registration import get_registered_name, get_registered_object

_kept: ContextVar[bool] = ContextVar("kept_functions", default=False)


@contextmanager
def kept() -> Iterator[None]:
    """Lets configurations hold functions as they are: those of a copy that is made at once, and never written."""
    token = _kept.set(True)
    try:
        yield
    finally:
        _kept.reset(token)


def described(function: Any, warn: bool = True) -> Any:
    """Returns a function as a dict: its name, or the code of a lambda.

    Args:
        function: the function.
        warn: whether a lambda is worth a warning.
    """
    if _kept.get():
        return function
    if isinstance(function, types.FunctionType) and function.__name__ == "<lambda>":
        if warn:
            warnings.warn(
                "The object being serialized includes a `lambda`. This is unsafe: its code is saved, and only "
                "`safe_mode=False` loads it; a function with a name, registered by register_keras_serializable, needs neither",
                stacklevel=3,
            )
        parts = _dumped(function)
        return {"class_name": "__lambda__", "config": {"value": list(parts.values()), **parts}}
    return {
        "module": _module(function),
        "class_name": "function",
        "config": get_registered_name(function),
        "registered_name": "function",
    }


def _module(function: Any) -> str:
    """Returns where a reader looks for a function: an op is not among the activations, losses and metrics."""
    from dlnative import activations, ops
    from dlnative.utils.registry import published

    name = function.__name__
    is_op = name in ops.__all__ and getattr(ops, name) is function
    return "keras.ops" if is_op and activations.by_name(name) is None and published(name) is None else "builtins"


def _dumped(function: types.FunctionType) -> dict[str, Any]:
    import base64
    import marshal

    closure = None if function.__closure__ is None else tuple(cell.cell_contents for cell in function.__closure__)
    code = base64.encodebytes(marshal.dumps(function.__code__)).decode("ascii")
    return {"code": code, "defaults": function.__defaults__, "closure": closure}


def loaded_lambda(parts: dict[str, Any], safe_mode: bool | None) -> Any:
    """Returns the function of a lambda's code.

    Args:
        parts: the code, the defaults and what it took from around it.
        safe_mode: whether that is refused.

    Raises:
        ValueError: in safe mode.
    """
    if safe_mode is not False:
        raise ValueError(
            "Requested the deserialization of a Python lambda, which is arbitrary code execution: expected a Lambda layer or "
            "an argument with a function that has a name. If you trust the source of the file, pass `safe_mode=False`, or call "
            "`keras.config.enable_unsafe_deserialization()`"
        )
    import base64
    import marshal

    from dlnative import ops

    value = parts.get("value")
    code, defaults, closure = value if value is not None else (parts["code"], parts["defaults"], parts["closure"])
    cells = None if closure is None else tuple(types.CellType(item) for item in closure)
    scope = {"keras": __import__("dlnative"), "ops": ops}
    loaded: types.CodeType = marshal.loads(base64.b64decode(code))
    return types.FunctionType(loaded, scope, "<lambda>", None if defaults is None else tuple(defaults), cells)


def own_function(name: str) -> Any:
    """Returns an activation, loss, metric or op of this library by its name; `None` if there is none."""
    from dlnative import activations, ops
    from dlnative.utils.registry import published

    found = activations.by_name(name) or published(name)
    if found is None and name in ops.__all__:
        found = getattr(ops, name)
    return found if isinstance(found, types.FunctionType) else None


def found(name: str, config: dict[str, Any], known: dict[str, Any]) -> Any:
    """Returns the function that a configuration names.

    Args:
        name: its name.
        config: the configuration.
        known: functions of the user's, by name.

    Raises:
        TypeError: if there is none.
    """
    own = get_registered_object(name, known)
    if own is None and ">" not in name:  # early versions of Keras 3 leave out the package
        own = next((item for key, item in known.items() if key.endswith(f">{name}")), None)
    registered = config.get("registered_name")
    if own is None and registered not in (None, "", "function", name):
        raise ValueError(
            f"`registered_name={registered!r}` was provided in the config, but '{name}' resolved to a Keras built-in: expected "
            "no registered name for a function of this library"
        )
    if own is None:
        module = config.get("module")
        package = "builtins" if module is None else str(module).split(".")[0]
        own = own_function(name) if package in ("builtins", "keras", "dlnative", "keras_core", "tensorflow") else None
    if own is None:
        raise TypeError(
            f"Could not locate function '{name}': expected one of this library, one that is decorated with "
            f"`@keras.saving.register_keras_serializable()`, or one in custom_objects"
        )
    return own
