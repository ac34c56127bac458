"""Pictures of models: layers as boxes, and what goes from one to the other as lines."""

from __future__ import annotations

import os
from typing import Any

from dlnative.graph.tree import flatten
from dlnative.utils.terminal import in_notebook, show


class Node:
    """A box of a picture.

    Args:
        title: what stands at its top.
        rows: further lines.
        group: the names of the models around it.
    """

    def __init__(self, title: str, rows: list[str], group: tuple[str, ...] = ()) -> None:
        self.title = title
        self.rows = rows
        self.group = group


class Diagram:
    """The boxes and lines of a model.

    Args:
        model: the model.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what a box says.
        expand_nested: whether the layers of models inside are shown.
    """

    def __init__(
        self, model: Any, show_shapes: bool, show_dtype: bool, show_layer_names: bool, expand_nested: bool,
        show_layer_activations: bool, show_trainable: bool,
    ) -> None:  # fmt: skip
        self._shapes, self._dtype, self._names = show_shapes, show_dtype, show_layer_names
        self._activations, self._trainable, self._expand = show_layer_activations, show_trainable, expand_nested
        self.nodes: list[Node] = []
        self.edges: list[tuple[int, int]] = []
        graph = getattr(model, "_graph", None)
        if graph is not None:
            self._add_graph(graph, None, ())
        else:
            for layer in model.layers:
                self._add(layer, None, None, ())

    def _add(self, layer: Any, inputs: Any, outputs: Any, group: tuple[str, ...]) -> int:
        kind = type(layer).__name__ if hasattr(layer, "trainable") else getattr(layer, "__name__", str(layer))
        name = getattr(layer, "name", "")
        rows = []
        activation = getattr(layer, "activation", None)
        if self._activations and activation is not None:
            rows.append(f"activation: {getattr(activation, '__name__', getattr(activation, 'name', activation))}")
        if self._shapes:
            rows += [f"input: {_shapes(inputs)}"] if inputs else []
            rows += [f"output: {_shapes(outputs)}"] if outputs else []
        if self._dtype and outputs:
            rows.append(f"dtype: {', '.join(sorted({tensor.dtype for tensor in outputs}))}")
        if self._trainable and getattr(layer, "weights", None):
            rows.append("trainable" if layer.trainable else "not trainable")
        self.nodes.append(Node(f"{name} ({kind})" if self._names and name else kind, rows, group))
        return len(self.nodes) - 1

    def _add_graph(self, graph: Any, sources: list[list[int]] | None, group: tuple[str, ...]) -> list[list[int]]:
        """Adds the calls of a graph, and returns where each of its outputs comes from.

        Args:
            graph: the graph.
            sources: where its inputs come from, if it is inside of another one.
            group: the models around it.
        """
        makers: dict[int, list[int]] = {}
        for index, tensor in enumerate(graph.inputs):
            if sources is not None:
                makers[id(tensor)] = sources[index]
            else:
                layer = tensor.history.function if tensor.history is not None else tensor
                makers[id(tensor)] = [self._add(layer, None, [tensor], group)]
        for call in graph.calls:
            given = [makers.get(id(tensor), []) for tensor in call.inputs]
            inner = getattr(call.function, "_graph", None)
            if self._expand and inner is not None and len(inner.inputs) == len(given):
                found = self._add_graph(inner, given, (*group, call.function.name))
                makers.update(zip(map(id, call.outputs), found, strict=True))
                continue
            node = self._add(call.function, call.inputs, call.outputs, group)
            self.edges += [(source, node) for source in dict.fromkeys(item for listed in given for item in listed)]
            makers.update((id(tensor), [node]) for tensor in call.outputs)
        return [makers.get(id(tensor), []) for tensor in graph.outputs]


def _shapes(tensors: Any) -> str:
    return ", ".join(str(tuple(tensor.shape)) for tensor in flatten(list(tensors)))


def model_to_dot(
    model: Any, show_shapes: bool = False, show_dtype: bool = False, show_layer_names: bool = True, rankdir: str = "TB",
    expand_nested: bool = False, dpi: int = 200, subgraph: bool = False, show_layer_activations: bool = False,
    show_trainable: bool = False, splines: str = "ortho",
) -> Any:  # fmt: skip
    """Returns a model as a graph of `pydot`.

    Args:
        model: a built model.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what the box of a layer says.
        rankdir: `"TB"`, `"LR"`, `"BT"` or `"RL"`: which way it goes.
        expand_nested: whether the layers of models inside are shown, in a frame.
        dpi: dots an inch.
        subgraph: whether it is a `pydot.Cluster`, for another graph.
        splines: how lines are drawn; see Graphviz.

    Raises:
        ImportError: if pydot is not installed.
        ValueError: if the model is not built, or goes no such way.
    """
    import importlib

    try:
        pydot = importlib.import_module("pydot")
    except ImportError:
        raise ImportError(
            'model_to_dot: expected pydot; install "dlnative[graphviz]" (plot_model draws an SVG file without it)'
        ) from None
    diagram = _diagram(
        "model_to_dot", model, rankdir, show_shapes, show_dtype, show_layer_names, expand_nested, show_layer_activations,
        show_trainable,
    )  # fmt: skip
    dot = pydot.Cluster(graph_name=model.name, style="dashed") if subgraph else pydot.Dot()
    dot.set("rankdir", rankdir)
    dot.set("dpi", dpi)
    dot.set("splines", splines)
    dot.set_node_defaults(shape="box", fontname="Helvetica")
    frames: dict[tuple[str, ...], Any] = {(): dot}
    for number, node in enumerate(diagram.nodes):
        for depth in range(1, len(node.group) + 1):
            path = node.group[:depth]
            if path not in frames:
                frames[path] = pydot.Cluster(graph_name="_".join(path), label=f'"{path[-1]}"', style="dashed")
        text = "\\n".join([node.title, *node.rows]).replace('"', "'")
        frames[node.group].add_node(pydot.Node(str(number), label=f'"{text}"'))
    for path in sorted(frames, key=len, reverse=True):
        if path:
            frames[path[:-1]].add_subgraph(frames[path])
    for source, target in diagram.edges:
        dot.add_edge(pydot.Edge(str(source), str(target)))
    return dot


def plot_model(
    model: Any, to_file: Any = "model.png", show_shapes: bool = False, show_dtype: bool = False,
    show_layer_names: bool = False, rankdir: str = "TB", expand_nested: bool = False, dpi: int = 200,
    show_layer_activations: bool = False, show_trainable: bool = False, splines: str = "ortho",
) -> Any:  # fmt: skip
    """Draws a model into a file.

    By Graphviz where it and `pydot` are installed; otherwise as an SVG file, whatever the ending, and a line says so.

    Args:
        model: a built model.
        to_file: the file; its ending says the format.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what the box of a layer says.
        rankdir: `"TB"`, `"LR"`, `"BT"` or `"RL"`: which way it goes.
        expand_nested: whether the layers of models inside are shown.
        dpi: dots an inch of a picture that Graphviz draws; an SVG file has none.
        splines: how Graphviz draws lines; see there. The lines of an SVG file are straight from rank to rank.

    Returns:
        In a notebook the picture, elsewhere `None`.

    Raises:
        ValueError: if the model is not built, or goes no such way.
    """
    from dlnative.utils.diagram_svg import svg

    path = os.fspath(to_file)
    stem, ending = os.path.splitext(path)
    options = (show_shapes, show_dtype, show_layer_names, expand_nested, show_layer_activations, show_trainable)
    diagram = _diagram("plot_model", model, rankdir, *options)
    if ending != ".svg" and _has_graphviz():
        dot = model_to_dot(
            model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, False, show_layer_activations,
            show_trainable, splines,
        )  # fmt: skip
        dot.write(path, format=ending[1:] or "png")
    else:
        if ending != ".svg":
            show(
                f'plot_model: no pydot and Graphviz to draw {path} with: written as {stem}.svg; install "dlnative[graphviz]"'
            )
        path = f"{stem}.svg"
        with open(path, "w", encoding="utf-8") as file:
            file.write(svg(diagram, rankdir))
    return _shown(path)


def _diagram(call: str, model: Any, rankdir: str, *options: bool) -> Diagram:
    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f'{call}: expected rankdir "TB", "LR", "BT" or "RL", got {rankdir!r}')
    if not model.built:
        raise ValueError(f'{call}: expected a built model, got "{model.name}", which has seen no inputs yet')
    return Diagram(model, *options)


def _has_graphviz() -> bool:
    import shutil
    from importlib.util import find_spec

    return find_spec("pydot") is not None and shutil.which("dot") is not None


def _shown(path: str) -> Any:
    """Returns the picture for a notebook, if this is one."""
    import importlib

    if not in_notebook():
        return None
    display = importlib.import_module("IPython.display")
    return display.SVG(path) if path.endswith(".svg") else display.Image(path)
