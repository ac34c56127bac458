"""Under- and overfitting: polynomials of degree 1, 2 and 15 through thirty points of a noisy parabola.

With an argument, a file that the learning curves and the polynomials are drawn into (an SVG file without matplotlib).
"""

import sys

import numpy as np

import dlnative as keras
from dlnative.utils.charts import Chart, Panel, Series


def powers(x: np.ndarray, degree: int) -> np.ndarray:
    """Returns Legendre polynomials of x: the same functions as its powers, which gradient descent learns much faster."""
    return np.polynomial.legendre.legvander(x, degree)[:, 1:].astype("float32")


random = np.random.default_rng(3)
x = random.uniform(-1, 1, 130)
y = (x**2 + 0.5 * x + random.normal(0, 0.15, 130)).astype("float32")[:, None]
seen, held_out = slice(0, 30), slice(30, None)
line = np.linspace(-1, 1, 201)

curves, fits = [], []
for degree in (1, 2, 15):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((degree,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    history = model.fit(
        powers(x[seen], degree), y[seen], batch_size=30, epochs=3000, verbose=0,
        validation_data=(powers(x[held_out], degree), y[held_out]),
    ).history  # fmt: skip
    loss, val_loss = history["loss"], history["val_loss"]
    best = int(np.argmin(val_loss))
    print(
        f"degree {degree:2}: loss {loss[-1]:.4f}, held out {val_loss[-1]:.4f} "
        f"(at best {val_loss[best]:.4f}, after epoch {best + 1})"
    )
    shown = np.unique(np.geomspace(1, len(loss), 200).astype(int))
    title = {1: "degree 1: underfits", 2: "degree 2: fits", 15: "degree 15: overfits"}[degree]
    curves.append(
        Panel(
            title, "epoch", "mean squared error",
            [Series(shown, np.array(loss)[shown - 1], "training"), Series(shown, np.array(val_loss)[shown - 1], "held out")],
            log_x=True, log_y=True,
        )
    )  # fmt: skip
    polynomial = model.predict(powers(line, degree), verbose=0)[:, 0]
    polynomial[np.abs(polynomial) > 2.5] = np.nan  # it leaves the picture
    fits.append(
        Panel(
            title, "x", "y",
            [Series(line, polynomial, "polynomial"),
             Series(x[seen], y[seen, 0], "training", points=True)],
        )
    )  # fmt: skip
print("noise alone: 0.0225")

if len(sys.argv) > 1 and sys.argv[1].endswith((".png", ".svg", ".pdf")):
    print("learning curves:", Chart([*curves, *fits]).save(sys.argv[1]))
