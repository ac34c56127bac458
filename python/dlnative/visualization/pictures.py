"""Pictures of what a model does, drawn by matplotlib; each function returns a figure, and writes it if a path is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.utils.charts import Chart, Panel, Series, new_figure
from dlnative.utils.checks import integer
from dlnative.visualization import insight

_MOST = 64  # pictures of filters or channels in one


def _written(figure: Any, path: Any) -> Any:
    if path is not None:
        figure.savefig(path, dpi=120)
    return figure


def plot_confusion_matrix(
    y_true: Any, y_pred: Any, class_names: Sequence[str] | None = None, normalize: bool = False, path: Any = None
) -> Any:
    """Draws how often each class was taken for each.

    Args:
        y_true, y_pred: see `confusion_matrix`.
        class_names: the names of the classes.
        normalize: whether shares of the true class are shown instead of counts.
        path: a file to write.

    Returns:
        The figure of matplotlib.

    Raises:
        ImportError: if matplotlib is not installed.
    """
    counts = insight.confusion_matrix(y_true, y_pred, None if class_names is None else len(class_names))
    shown = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) if normalize else counts
    count = len(counts)
    names = list(class_names or map(str, range(count)))
    figure = new_figure("plot_confusion_matrix", 2.5 + 0.45 * count, 2 + 0.45 * count)
    axes = figure.add_subplot()
    axes.imshow(shown, cmap="Blues", vmin=0)
    axes.set(xlabel="answer", ylabel="class", title=f"{np.trace(counts) / max(counts.sum(), 1):.1%} right")
    axes.set_xticks(range(count), names, rotation=45 if max(map(len, names)) > 3 else 0)
    axes.set_yticks(range(count), names)
    for row, column in np.argwhere(counts):
        color = "white" if shown[row, column] > 0.6 * shown.max() else "black"
        text = f"{shown[row, column]:.2f}" if normalize else str(counts[row, column])
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=8)
    return _written(figure, path)


def plot_decision_regions(model: Any, x: Any, y: Any, path: Any = None, resolution: int = 200) -> Any:
    """Draws which class a model of two features answers where, with samples on it.

    Args:
        model: a model whose output is a probability, or one for each class.
        x: samples of shape `(samples, 2)`.
        y: their classes.
        path: a file to write.
        resolution: points along each side.

    Returns:
        The figure of matplotlib.

    Raises:
        ValueError: for samples of more or fewer features.
        ImportError: if matplotlib is not installed.
    """
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"plot_decision_regions: expected x of shape (samples, 2), got {x.shape}")
    figure = new_figure("plot_decision_regions", 5, 4.2)
    low, high = x.min(axis=0), x.max(axis=0)
    margin = 0.08 * np.maximum(high - low, 1e-9)
    sides = [np.linspace(a, b, integer("plot_decision_regions", "resolution", resolution, 2))
             for a, b in zip(low - margin, high + margin, strict=True)]  # fmt: skip
    grid = np.stack(np.meshgrid(*sides), axis=-1)
    outputs = model.predict(grid.reshape(-1, 2).astype("float32"), batch_size=4096, verbose=0)
    single = outputs.shape[-1] == 1
    shown = outputs[..., 0] if single else outputs.argmax(axis=-1)
    axes = figure.add_subplot()
    classes = 2 if single else outputs.shape[-1]
    levels = np.linspace(0, 1, 11) if single else np.arange(classes + 1) - 0.5
    last = 1 if single else max(classes - 1, 9)
    axes.contourf(*sides, shown.reshape(grid.shape[:2]), levels=levels, cmap="coolwarm" if single else "tab10", alpha=0.5,
                  vmin=0, vmax=last, extend="both" if single else "neither")  # fmt: skip
    axes.scatter(x[:, 0], x[:, 1], c=insight.classes_of(y), cmap="coolwarm" if single else "tab10", vmin=0, vmax=last,
                 edgecolor="black", linewidth=0.4, s=18)  # fmt: skip
    axes.set(xlabel="x[0]", ylabel="x[1]", title=model.name)
    return _written(figure, path)


def plot_filters(layer: Any, path: Any = None) -> Any:
    """Draws the kernels of a convolution, or the weights of a `Dense` layer, one picture for each filter.

    Args:
        layer: a built layer with a kernel of two axes or more.
        path: a file to write. Of more than 64 filters the first 64 are drawn; of more than 3 channels the mean.

    Returns:
        The figure of matplotlib.

    Raises:
        ValueError: if the layer has no such kernel.
        ImportError: if matplotlib is not installed.
    """
    kernel = getattr(layer, "kernel", None)
    if kernel is None or len(kernel.shape) < 2:
        raise ValueError(f'plot_filters: expected a built layer with a kernel, got "{getattr(layer, "name", layer)}"')
    values = np.array(kernel.value, np.float64)
    if values.ndim == 2:
        side = math.isqrt(values.shape[0])
        shape = (side, side) if side * side == values.shape[0] else (1, values.shape[0])
        filters = np.moveaxis(values, -1, 0).reshape(-1, *shape)
    else:
        filters = np.moveaxis(values, -1, 0)
        filters = filters[:, None] if filters.ndim == 3 else filters  # sequences: one row
        filters = filters if filters.shape[-1] == 3 else filters.mean(axis=-1)
        filters = (
            filters.reshape(filters.shape[0], -1, *filters.shape[2:]) if filters.ndim <= 4 else filters.mean(axis=1)
        )
    return _written(_tiles("plot_filters", filters[:_MOST], f"{layer.name}: {len(filters)} filters"), path)


def plot_activations(model: Any, x: Any, path: Any = None) -> Any:
    """Draws what each layer makes of one input: channels of images as pictures, vectors as bars.

    Args:
        model: a functional or Sequential model.
        x: one input, with or without the axis of samples.
        path: a file to write.

    Returns:
        The figure of matplotlib.

    Raises:
        ImportError: if matplotlib is not installed.
    """
    x = np.asarray(x)
    found = insight.activations(model, x[None] if x.ndim < len(model.inputs[0].shape) else x[:1])
    figure = new_figure("plot_activations", 9, 1.7 * len(found))
    axes = np.atleast_1d(figure.subplots(len(found), 1))
    for axis, (name, values) in zip(axes, found.items(), strict=True):
        sample = values[0]
        axis.set_title(f"{name} {sample.shape}", fontsize=9)
        if sample.ndim == 3:
            channels = np.moveaxis(sample, -1, 0)[:16]
            gap = np.full((channels.shape[1], 1), np.nan)
            axis.imshow(
                np.concatenate([part for channel in channels for part in (channel, gap)], axis=1), cmap="viridis"
            )
            axis.set_axis_off()
        elif sample.ndim == 2:
            axis.imshow(sample.T, aspect="auto", cmap="viridis")
        else:
            axis.bar(range(sample.size), sample.reshape(-1))
    return _written(figure, path)


def plot_input_gradients(model: Any, images: Any, path: Any = None, output: int | None = None) -> Any:
    """Draws images, and below each how much the answer depends on each pixel.

    Args:
        model: a model of images, with or without channels.
        images: some images.
        path: a file to write.
        output: the number of the output; by default each image's largest.

    Returns:
        The figure of matplotlib.

    Raises:
        ImportError: if matplotlib is not installed.
    """
    images = np.asarray(images, np.float32)
    gradients = np.abs(insight.input_gradients(model, images, output))
    both = [array.max(axis=-1) if array.ndim == 4 else array for array in (images, gradients)]
    figure = new_figure("plot_input_gradients", 1.3 * len(images) + 0.4, 2.8)
    axes = np.asarray(figure.subplots(2, len(images))).reshape(2, len(images))
    for row, cmap in enumerate(("gray", "hot")):
        for column in range(len(images)):
            axes[row, column].imshow(both[row][column], cmap=cmap)
            axes[row, column].set_axis_off()
    return _written(figure, path)


def plot_importance(importance: Any, names: Sequence[str] | None = None, path: Any = None, most: int = 20) -> Any:
    """Draws the most important features, as `permutation_importance` returns them.

    Args:
        importance: a number for each feature.
        names: the names of the features.
        path: a file to write.
        most: how many are drawn.

    Returns:
        The figure of matplotlib.

    Raises:
        ImportError: if matplotlib is not installed.
    """
    values = np.asarray(importance)
    order = np.argsort(-values)[: integer("plot_importance", "most", most, 1)][::-1]
    figure = new_figure("plot_importance", 6, 1 + 0.25 * len(order))
    axes = figure.add_subplot()
    axes.barh([names[i] if names is not None else f"feature {i}" for i in order], values[order])
    axes.set(xlabel="how much worse without it")
    return _written(figure, path)


def plot_gradient_norms(norms: insight.GradientNorms, path: Any = None) -> Chart:
    """Draws the norms that a `GradientNorms` has collected, by step; needs no matplotlib.

    Args:
        norms: the callback.
        path: a file to write.

    Returns:
        The `Chart`, which a notebook shows.
    """
    series = [Series(norms.steps, values, name) for name, values in norms.norms.items()]
    chart = Chart([Panel("norms of gradients", "step", "norm", series, log_y=True)])
    if path is not None:
        chart.save(path)
    return chart


def _tiles(call: str, filters: Any, title: str) -> Any:
    columns = math.ceil(math.sqrt(len(filters)))
    rows = -(-len(filters) // columns)
    figure = new_figure(call, 0.8 * columns + 0.6, 0.8 * rows + 0.6)
    figure.suptitle(title, fontsize=9)
    limit = np.abs(filters).max() or 1.0
    for place, values in enumerate(filters):
        axes = figure.add_subplot(rows, columns, place + 1)
        if values.ndim == 3:
            axes.imshow((values / limit + 1) / 2)
        else:
            axes.imshow(values, cmap="coolwarm", vmin=-limit, vmax=limit)
        axes.set_axis_off()
    return figure
