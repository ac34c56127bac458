"""Training without `fit`: a loss, its gradients, and an optimizer."""

import numpy as np

import dlnative
from dlnative import Variable, ops, optimizers, value_and_grad

generator = np.random.default_rng(0)
x = generator.normal(size=(200, 3)).astype("float32")
y = x @ np.array([[1.0], [-2.0], [0.5]], "float32") + 0.3

dlnative.utils.set_random_seed(0)
w = Variable("glorot_uniform", shape=(3, 1), name="w")
b = Variable("zeros", shape=(1,), name="b")


def loss(x, y):
    return ops.mean((ops.matmul(x, w) + b - y) ** 2)


step = value_and_grad(loss, variables=[w, b])
optimizer = optimizers.SGD(0.1)
for epoch in range(100):
    value, gradients = step(x, y)
    optimizer.apply_gradients(zip(gradients, [w, b], strict=True))
    if epoch % 20 == 0:
        print(epoch, float(value))
print(w.numpy().ravel(), b.numpy())
