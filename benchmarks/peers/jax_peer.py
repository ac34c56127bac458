"""JAX: one jitted step with donated state over batches that are device arrays already; jitted products and samples."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import sample
import stopwatch
import window
import workload as w
from jax_networks import convolution, forward
from network import Network
from product import Product

TITLE = "JAX jit"


def version() -> str:
    return jax.__version__


def _loss(weights: Any, x: Any, y: Any, workload: w.Workload | Network) -> Any:
    x = forward(workload)(weights, x)
    if workload.loss == w.CLASSES:
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[..., None], axis=-1).mean()
    return jnp.square(x - y).mean()


@partial(jax.jit, donate_argnums=0, static_argnums=3)
def _step(state: Any, x: Any, y: Any, workload: w.Workload | Network) -> Any:
    weights, m, v, t = state
    loss, gradients = jax.value_and_grad(_loss)(weights, x, y, workload)
    t = t + 1
    alpha = w.LEARNING_RATE * jnp.sqrt(1 - w.BETA_2**t) / (1 - w.BETA_1**t)
    m = jax.tree.map(lambda a, g: a + (g - a) * (1 - w.BETA_1), m, gradients)
    v = jax.tree.map(lambda a, g: a + (g * g - a) * (1 - w.BETA_2), v, gradients)
    weights = jax.tree.map(lambda p, a, b: p - alpha * a / (jnp.sqrt(b) + workload.epsilon), weights, m, v)
    return (weights, m, v, t), loss


class Training:
    def __init__(self, workload: w.Workload | Network, threads: int) -> None:
        self.workload = workload
        x, y = workload.data()
        cuts = range(0, len(x), workload.batch)
        self.x = [jnp.asarray(x[start : start + workload.batch]) for start in cuts]
        self.y = [jnp.asarray(y[start : start + workload.batch]) for start in cuts]
        weights = jax.tree.map(jnp.asarray, workload.weights())
        m, v = (jax.tree.map(jnp.zeros_like, weights) for _ in range(2))
        self.state = (weights, m, v, jnp.asarray(0.0, jnp.float32))

    def _run(self, index: int) -> Any:
        index %= len(self.x)
        self.state, loss = _step(self.state, self.x[index], self.y[index], self.workload)
        return loss

    def values(self) -> list[float]:
        """Returns the losses of the first steps."""
        return [float(self._run(index)) for index in range(w.STEPS_COMPARED)]

    def time(self, steps: int) -> tuple[float, int]:
        start = time.perf_counter()
        for index in range(steps):
            loss = self._run(index)
        jax.block_until_ready((self.state, loss))
        return time.perf_counter() - start, steps


class Networks(Training):
    pass


class Memory(Training):
    def bytes(self) -> dict[str, int]:
        """Returns what XLA plans for values that are neither arguments nor results; gradients are among them."""
        compiled = _step.lower(self.state, self.x[0], self.y[0], self.workload).compile()
        return {"with gradients": int(compiled.memory_analysis().temp_size_in_bytes)}


class Gemm:
    def __init__(self, product: Product, threads: int) -> None:
        self.product = product
        a, b = map(jnp.asarray, product.operands())
        function = jax.jit(jnp.matmul)
        self.run = lambda: function(a, b).block_until_ready()

    def values(self) -> list[float]:
        return self.product.sampled(self.run())

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)


class Convolution:
    def __init__(self, case: window.Convolution, threads: int) -> None:
        self.case = case
        x, w, dy = map(jnp.asarray, case.operands())
        if case.way == window.FORWARD:
            forward = jax.jit(lambda x, w: (convolution(x, w),))
            self.run = lambda: jax.block_until_ready(forward(x, w))
        else:
            backward = jax.jit(lambda x, w, dy: jax.vjp(convolution, x, w)[1](dy))
            self.run = lambda: jax.block_until_ready(backward(x, w, dy))

    def values(self) -> list[float]:
        return self.case.sampled(*self.run())

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)


class Latency:
    def __init__(self, case: sample.Sample | sample.NetworkSample, threads: int) -> None:
        if case.way != sample.CALL or case.name.startswith("ResNet"):  # its normalisations are those of training
            raise NotImplementedError
        weights, x = jax.tree.map(jnp.asarray, case.network.weights()), jnp.asarray(case.x())
        function = jax.jit(forward(case.network))
        self.run = lambda: function(weights, x).block_until_ready()

    def values(self) -> list[float]:
        return sample.centred(self.run())

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)
