"""Calls of ops in the configurations of functional models, as Keras has them: a class for each op.

    ops.mean(x, axis=1)    {"module": "keras.src.ops.numpy", "class_name": "Mean", "config": {"name": "mean", "axis": 1}}

Its tensors are arguments of the call, and stand in `inbound_nodes`; everything else is in the config.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

# Where Keras's classes live; those that are not listed are in `numpy`.
_MODULES = {
    "nn": "adaptive_average_pool adaptive_max_pool average_pool batch_normalization binary_crossentropy categorical_crossentropy "
    "celu conv conv_transpose ctc_decode ctc_loss depth_to_space depthwise_conv dot_product_attention elu fold gelu glu "
    "hard_shrink hard_sigmoid hard_silu hard_tanh layer_normalization leaky_relu log_sigmoid log_softmax max_pool moments "
    "multi_hot normalize one_hot polar psnr relu relu6 rms_normalization selu separable_conv sigmoid silu soft_shrink softmax "
    "softplus softsign space_to_depth sparse_categorical_crossentropy sparse_plus sparse_sigmoid sparsemax squareplus "
    "tanh_shrink threshold unfold",
    "core": "associative_scan cast cond convert_to_tensor fori_loop map saturate_cast scan scatter scatter_update slice "
    "slice_update stop_gradient switch unstack vectorized_map while_loop",
    "math": "cdist erf erfc erfinv extract_sequences fft fft2 ifft2 in_top_k irfft istft logdet logsumexp rfft rsqrt segment_max "
    "segment_min segment_prod segment_sum stft top_k view_as_complex view_as_real",
    "linalg": "cholesky cholesky_inverse det eig eigh inv jvp lstsq lu_factor matrix_rank norm pinv qr solve solve_triangular "
    "svd",
    "einops": "rearrange",
    "image": "affine_transform crop_images elastic_transform extract_patches gaussian_blur hsv_to_rgb map_coordinates pad_images "
    "perspective_transform resize rgb_to_grayscale rgb_to_hsv scale_and_translate sobel_edges",
}  # fmt: skip
# Classes that are not called as their function is.
_CLASSES = {
    "allclose": "AllClose", "batch_normalization": "BatchNorm", "cdist": "CDist", "ctc_decode": "CTCDecode",
    "ctc_loss": "CTCLoss", "divide": "TrueDivide", "fft": "FFT", "fft2": "FFT2", "ifft2": "IFFT2", "irfft": "IRFFT",
    "isin": "IsIn", "istft": "ISTFT", "jvp": "JVP", "layer_normalization": "LayerNorm", "psnr": "PSNR", "rfft": "RFFT",
    "rms_normalization": "RMSNorm", "searchsorted": "SearchSorted", "stft": "STFT", "svd": "SVD",
    "hsv_to_rgb": "HSVToRGB", "rgb_to_grayscale": "RGBToGrayscale", "rgb_to_hsv": "RGBToHSV",
}  # fmt: skip
# Arguments of a call, by their names in most ops, and of the ops in which other arguments are.
_USUAL = (
    "x x1 x2 xs y inputs kernel target output condition indices values data segment_ids query key value bias mask scale mean "
    "variance offset gamma beta updates depthwise_kernel pointwise_kernel targets predictions fill_value weights a b"
)
_CALLED_IN = {
    "bincount": "x", "diagonal": "x", "digitize": "x bins", "isclose": "x1 x2 rtol atol", "nanpercentile": "x q",
    "nanquantile": "x q", "pad": "x constant_values", "percentile": "x q", "polar": "abs_ angle", "quantile": "x q",
    "rot90": "array", "searchsorted": "sorted_sequence values", "select": "condlist choicelist default",
    "ctc_loss": "target output target_length output_length", "ctc_decode": "inputs sequence_lengths",
    "rearrange": "tensor pattern", "while_loop": "loop_vars", "fori_loop": "init_val", "vectorized_map": "elements",
    "scan": "init xs", "associative_scan": "elems", "cond": "pred true_fn false_fn",
    "slice": "inputs start_indices", "slice_update": "inputs start_indices updates", "squareplus": "x",
    "stop_gradient": "variable", "trace": "x", "trapezoid": "y", "unique": "x", "arange": "start stop step",
    "linspace": "start stop", "logspace": "start stop", "geomspace": "start stop", "einsum": "operands",
}  # fmt: skip


@functools.cache
def _modules() -> dict[str, str]:
    return {name: module for module, names in _MODULES.items() for name in names.split()}


def _called(name: str, parameters: list[str]) -> list[str]:
    """Returns which parameters of an op are arguments of the call, in their order."""
    called = _CALLED_IN.get(name, _USUAL).split()
    return [parameter for parameter in parameters if parameter in called]


def described(
    function: Callable[..., Any], name: str, args: Any, kwargs: dict[str, Any]
) -> tuple[dict[str, Any], list[Any], dict[str, Any]]:
    """Returns a call of an op as Keras has it: the class as a dict, the arguments of the call, and those by name.

    Args:
        function: the op.
        name: what the call is called.
        args, kwargs: what the op was called with.
    """
    op = function.__name__
    module = f"keras.src.ops.{_modules().get(op, 'numpy')}"
    cls = _CLASSES.get(op) or "".join(part.capitalize() for part in op.split("_"))
    signature = inspect.signature(function)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    several = [p.name for p in signature.parameters.values() if p.kind is inspect.Parameter.VAR_POSITIONAL]
    called = _called(op, list(signature.parameters))
    config: dict[str, Any] = {"name": name}
    given: list[Any] = []
    named: dict[str, Any] = {}
    for key, value in bound.arguments.items():
        if key in several:
            given += value
        elif key in called:
            given.append(value)
        elif signature.parameters[key].kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        else:
            config[key] = value
    return {"module": module, "class_name": cls, "config": config, "registered_name": cls}, given, named


def is_operation(config: dict[str, Any]) -> bool:
    """Tells whether a part of a functional model is an op, and not a layer."""
    module = config.get("module")
    if module is None:  # in files of the older kind
        from dlnative import layers

        name = config.get("class_name")
        known = name in layers.__all__ or name in ("Functional", "Model", "Sequential")
        return isinstance(name, str) and not known and name.lower() in _plain_names()
    return str(module).startswith(("keras.src.ops.", "keras.ops", "dlnative.ops", "keras.src.activations."))


def made(config: dict[str, Any]) -> Callable[..., Any]:
    """Returns the function that the calls of an op's class stand for.

    Args:
        config: the class as a dict.

    Raises:
        TypeError: if there is no such op.
    """
    function = _function(str(config.get("module")), str(config["class_name"]))
    settings = {key: value for key, value in config["config"].items() if key != "name"}
    parameters = inspect.signature(function).parameters
    several = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters.values())
    names = _called(function.__name__, list(parameters))
    # Keras's classes have arguments for what is not there in other frameworks, too.
    settings = {key: value for key, value in settings.items() if key in parameters or value not in (None, False)}

    def call(*args: Any, **kwargs: Any) -> Any:
        if function.__name__ == "get_item" and len(args) == 2 and isinstance(args[1], list):  # JSON has no tuples
            args = args[0], tuple(args[1])
        if several:
            return function(*settings.values(), *args, **kwargs)
        return function(**dict(zip(names, args, strict=False)), **kwargs, **settings)

    return call


def _function(module: str, cls: str) -> Callable[..., Any]:
    from dlnative import activations, ops

    if ".activations" in module:
        return activations.get("relu" if cls == "ReLU" else cls.lower())
    name = _snake_names().get(cls) or _plain_names().get(cls.replace("_", "").lower())
    if name is None:
        raise TypeError(f"Could not locate op '{cls}' of {module}: expected an op of this library")
    found: Callable[..., Any] = getattr(ops.image if module.endswith(".image") else ops, name)
    return found


@functools.cache
def _snake_names() -> dict[str, str]:
    return {cls: name for name, cls in _CLASSES.items()}


@functools.cache
def _plain_names() -> dict[str, str]:
    from dlnative import ops

    return {name.replace("_", "").lower(): name for name in ops.__all__}
