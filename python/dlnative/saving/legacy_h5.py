"""Whole models, and weights, in HDF5 files as Keras 2 wrote them.

model_config, training_config       attributes with the model, and what it was compiled with, as JSON
model_weights/<layer>/...           arrays, in the order of the attribute `weight_names`
optimizer_weights/...               likewise
"""

from __future__ import annotations

import inspect
import json
import warnings
from typing import Any, BinaryIO

from dlnative.saving import keras_file, limits, names, operations, serialization
from dlnative.saving.hdf5_reader import Dataset, Group, Hdf5File
from dlnative.saving.hdf5_writer import Array, Tree, write_hdf5
from dlnative.saving.registration import CustomObjectScope, known_objects

_MOST_ATTRIBUTE = 64512  # bytes of an attribute; lists that have more are cut into several


# Reading.


def read(data: Any, label: str, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """Makes a model of a file.

    Args:
        data: its bytes.
        label: what messages call it.
        custom_objects, compile, safe_mode: see `saving.load_model`.

    Raises:
        ValueError: if the file is damaged, or has no model but weights.
    """
    root = Hdf5File(data, label).root
    text = root.attrs.get("model_config")
    if text is None:
        raise ValueError(f"{label}: No model config found in the file: expected a whole model, got weights at most")
    config = keras_file.parsed(str(text).encode("utf-8"), label)
    training = root.attrs.get("training_config")
    with limits.memory_for(len(data), label, safe_mode):
        with keras_file.guarded(label):
            config = modern(config)
        model = keras_file.made(config, label, custom_objects, safe_mode)
        load_weights(root, model, label)
        if compile and training is not None:
            with keras_file.guarded(label), CustomObjectScope(known_objects(custom_objects)):
                _compile(model, keras_file.parsed(str(training).encode("utf-8"), label), root)
        elif compile:
            warnings.warn(
                f"{label}: No training configuration found in the save file: expected one to compile the model, which is "
                "*not* compiled",
                stacklevel=3,
            )
    return model


def _compile(model: Any, training: dict[str, Any], root: Group) -> None:
    given = {key: _modern_names(training.get(key)) for key in ("loss", "metrics", "weighted_metrics", "loss_weights")}
    model.compile(optimizer=modern(training["optimizer_config"]), **given)
    if not model.built:
        return
    model._build_optimizer()
    group = root.get("optimizer_weights")
    if not isinstance(group, Group):
        return
    values = [_array(group, name) for name in _listed(group, "weight_names")]
    try:
        model.optimizer.set_weights(values)
    except ValueError as error:
        warnings.warn(f"The state of the optimizer is not that of this one, and begins anew: {error}", stacklevel=4)


def _modern_names(value: Any) -> Any:
    """Returns losses and metrics, of which Keras 2 kept nested lists with what the program was given."""
    if isinstance(value, dict) and "class_name" in value:
        return serialization.deserialize_keras_object(modern(value))
    if isinstance(value, dict):
        return {key: _modern_names(part) for key, part in value.items()}
    return [_modern_names(part) for part in value] if isinstance(value, list) else value


def modern(config: Any) -> Any:
    """Returns a configuration without what only Keras 2 had: names, and arguments that are gone."""
    if isinstance(config, list):
        return [modern(part) for part in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "Sequential":
        config = {**config, "config": _with_input(config.get("config"))}
    made = {key: modern(part) for key, part in config.items()}
    inner = made.get("config")
    if not isinstance(made.get("class_name"), str) or not isinstance(inner, dict):
        return made
    name = made["class_name"]
    if operations.is_operation(made):
        return made
    if name == "Model":
        made["class_name"] = name = "Functional"
    if name == "Sequential":
        inner.setdefault("name", "sequential")
    elif name == "Functional":
        _count_calls_from_zero(inner)
    elif "batch_input_shape" in inner:
        shape = inner.pop("batch_input_shape")
        inner |= {"batch_shape": shape} if name == "InputLayer" else {}
    made.pop("module", None) if str(made.get("module")).startswith(("keras.engine", "tensorflow")) else None
    cls = names.public_class(made.get("module"), name)
    if cls is not None and not hasattr(cls, "_graph"):
        made["config"] = _taken(cls, inner)
    return made


def _count_calls_from_zero(config: dict[str, Any]) -> None:
    """Renumbers the calls of models in a model, which Keras 2 counted from 1: their own, when they were made, was the first."""
    layers = [layer for layer in config.get("layers") or [] if isinstance(layer, dict)]
    nodes = [node for layer in layers for node in layer.get("inbound_nodes") or [] if isinstance(node, list)]
    kinds = {layer.get("name"): layer.get("class_name") for layer in layers}
    if not nodes:
        return
    for node in nodes:
        for item in node:
            if isinstance(item, list) and len(item) > 2 and kinds.get(item[0]) in ("Functional", "Sequential"):
                item[1] -= 1
    outputs = config.get("output_layers")
    for item in outputs if isinstance(outputs, list) else []:
        if isinstance(item, list) and len(item) > 2 and kinds.get(item[0]) == "Sequential":
            item[1] -= 1


def _with_input(config: Any) -> Any:
    """Returns the config of a sequential model with the input that its first layer has in an argument."""
    layers: Any = config.get("layers") if isinstance(config, dict) else None
    first: Any = layers[0] if isinstance(layers, list) and layers else None
    given = first.get("config") if isinstance(first, dict) else None
    if not isinstance(given, dict) or first.get("class_name") == "InputLayer" or "batch_input_shape" not in given:
        return config
    return {
        **config,
        "layers": [{"class_name": "InputLayer", "config": {"batch_shape": given["batch_input_shape"]}}, *layers],
    }


def _taken(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments that a class takes."""
    known: set[str] = set()
    for base in cls.__mro__:
        known |= set(inspect.signature(base.__init__).parameters) if "__init__" in vars(base) else set()  # type: ignore[misc]
    known |= {"cell", "layer", "backward_layer", "layers", "fn"}
    if "lr" in config and "learning_rate" in known:
        config["learning_rate"] = config.pop("lr")
    return {key: value for key, value in config.items() if key in known}


def load_weights(root: Group, model: Any, label: str, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Gives a model the weights of a file.

    Args:
        root: the file.
        model: the model.
        label: what messages call the file.
        by_name: whether layers get the weights of those with their names, others none; otherwise in their order.
        skip_mismatch: whether layers with other shapes than the file has are left as they are, with a warning.

    Raises:
        ValueError: if layers, numbers or shapes differ; nothing is then changed.
    """
    if "layer_names" not in root.attrs and "layer_names0" not in root.attrs:
        inner = root.get("model_weights")
        if not isinstance(inner, Group):
            raise ValueError(f"{label}: expected weights in it, got none")
        root = inner
    found = [(name, _weights(root, name, label)) for name in _listed(root, "layer_names")]
    owners = [layer for layer in model.layers if _of(layer)]
    pairs: list[tuple[Any, list[Any], list[Dataset]]] = []
    if by_name:
        for name, values in found:
            pairs += [(layer, _of(layer), values) for layer in model.layers if layer.name == name]
    else:
        found = [(name, values) for name, values in found if values]
        if len(found) != len(owners):
            raise ValueError(
                f"{label}: Layer count mismatch when loading weights from file: expected {len(owners)} layers with weights, "
                f"got {len(found)}"
            )
        pairs = [(layer, _of(layer), values) for layer, (_, values) in zip(owners, found, strict=True)]
    if "top_level_model_weights" in root:
        own = [*model._trainable_variables, *model._non_trainable_variables]
        pairs.append((model, own, _weights(root, "top_level_model_weights", label)))
    chosen: list[tuple[Any, Dataset]] = []
    for layer, variables, values in pairs:
        error = _misfit(layer, variables, values)
        if error is None:
            chosen += zip(variables, values, strict=True)
        elif skip_mismatch:
            warnings.warn(f"{label}: Skipping loading weights: {error}", stacklevel=4)
        else:
            raise ValueError(f"{label}: {error}")
    for variable, value in chosen:
        variable.assign(value.read())


def _of(layer: Any) -> list[Any]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _misfit(layer: Any, variables: list[Any], values: list[Dataset]) -> str | None:
    if len(variables) != len(values):
        return (
            f"Weight count mismatch for {layer._label}: expected {len(variables)} weights, got {len(values)} saved ones"
        )
    for variable, value in zip(variables, values, strict=True):
        if variable.shape != value.shape:
            return (
                f'Shape mismatch in {layer._label}: expected {variable.shape} for "{variable.path}", got {value.shape}'
            )
    return None


def _weights(root: Group, name: str, label: str) -> list[Dataset]:
    group = root.get(name)
    if not isinstance(group, Group):
        raise ValueError(f'{label}: expected the weights of the layer "{name}", got none')
    found = [group.get(part) for part in _listed(group, "weight_names")]
    if not all(isinstance(part, Dataset) for part in found):
        raise ValueError(f'{label}: expected arrays for the layer "{name}", got none for some of its names')
    return found  # type: ignore[return-value]


def _array(group: Group, name: str) -> Any:
    part = group.get(name)
    if not isinstance(part, Dataset):
        raise ValueError(f'expected an array "{name}", got none')
    return part.read()


def _listed(group: Group, name: str) -> list[str]:
    """Returns a list of names, which may be in several attributes."""
    found = group.attrs.get(name)
    if found is None:
        parts: list[str] = []
        number = 0
        while f"{name}{number}" in group.attrs:
            parts += _texts(group.attrs[f"{name}{number}"])
            number += 1
        return parts
    return _texts(found)


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(part) for part in value]


# Writing.


def write(model: Any, file: BinaryIO, include_optimizer: bool = True) -> None:
    """Writes a whole model.

    Args:
        model: the model.
        file: an open file.
        include_optimizer: whether what it was compiled with, and the state of the optimizer, are saved.
    """
    config = serialization.serialize_keras_object(model.get_config())
    described = {"class_name": type(model).__name__, "config": config}
    root = Tree(
        {"keras_version": keras_file.KERAS_VERSION, "backend": "dlnative", "model_config": json.dumps(described)}
    )
    _put_weights(root.group("model_weights"), model)
    if include_optimizer and model.compiled:
        compiled = model.get_compile_config()
        optimizer = compiled.pop("optimizer")
        kept = {key: compiled[key] for key in ("loss", "metrics", "weighted_metrics", "loss_weights")}
        root.attrs["training_config"] = json.dumps({**kept, "optimizer_config": optimizer})
        _put(root.group("optimizer_weights"), model.optimizer.variables)
    write_hdf5(root, file)


def write_weights(model: Any, file: BinaryIO) -> None:
    """Writes the weights of a model alone.

    Args:
        model: the model.
        file: an open file.
    """
    root = Tree()
    _put_weights(root, model)
    write_hdf5(root, file)


def _put_weights(group: Tree, model: Any) -> None:
    _set_list(group, "layer_names", [layer.name for layer in model.layers])
    group.attrs |= {"backend": "dlnative", "keras_version": keras_file.KERAS_VERSION}
    for layer in model.layers:
        _put(group.group(layer.name), _of(layer))
    _put(group.group("top_level_model_weights"), [*model._trainable_variables, *model._non_trainable_variables])


def _put(group: Tree, variables: list[Any]) -> None:
    paths: list[str] = []
    for variable in variables:
        path = variable.path if variable.path not in paths else f"{variable.path}_{len(paths)}"
        paths.append(path)
        folder, _, name = path.rpartition("/")
        group.group(folder).parts[name] = Array(variable.numpy())
    _set_list(group, "weight_names", paths)


def _set_list(group: Tree, name: str, texts: list[str]) -> None:
    width = max([len(text.encode("utf-8")) for text in texts], default=1) or 1
    together = max(1, _MOST_ATTRIBUTE // width)
    if len(texts) <= together:
        group.attrs[name] = texts
        return
    for number, start in enumerate(range(0, len(texts), together)):
        group.attrs[f"{name}{number}"] = texts[start : start + together]
