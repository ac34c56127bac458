"""An encoder and a decoder that forecast trajectories: half of a flight is seen, the other half is foretold.

    python examples/trajectories.py [epochs] [picture.png]

Balls are thrown, slowed down by the air and pushed by a wind that each flight has of its own; where they were is
measured with noise. The encoder reads the measured half; the decoder writes the rest, step by step, each time from what
it has written so far. It is compared with going on at the last velocity seen, and with a parabola fitted to what was seen.
"""

import sys

import numpy as np

import dlnative as keras
from dlnative import layers

SEEN, FORETOLD, TIME_STEP, NOISE = 20, 20, 0.05, 0.02


def flights(count, seed):
    """Returns what was measured, and where the balls really were: (flights, steps, 2)."""
    random = np.random.default_rng(seed)
    position = np.zeros((count, 2))
    angle, speed = random.uniform(0.4, 1.2, count), random.uniform(6.0, 12.0, count)
    velocity = np.stack([speed * np.cos(angle), speed * np.sin(angle)], axis=1)
    wind = np.stack([random.uniform(-4.0, 4.0, count), np.zeros(count)], axis=1)
    drag = random.uniform(0.02, 0.12, (count, 1))
    path = []
    for _ in range(SEEN + FORETOLD):
        path.append(position)
        through_air = velocity - wind
        slowing = drag * through_air * np.linalg.norm(through_air, axis=1, keepdims=True)
        velocity = velocity - TIME_STEP * (slowing + [0.0, 9.81])
        position = position + TIME_STEP * velocity
    path = np.stack(path, axis=1)
    return path + NOISE * random.standard_normal(path.shape), path


def network(width=48, heads=4):
    """Returns the model: steps seen (SEEN, 2) and steps before those that are asked for (n, 2) give steps (n, 2)."""
    seen, before = keras.Input((SEEN, 2)), keras.Input((None, 2))
    memory = layers.Dense(width)(seen)
    memory = layers.Add()([memory, layers.SinePositionEncoding()(memory)])
    for _ in range(2):
        memory = layers.TransformerEncoder(2 * width, heads, activation="gelu", normalize_first=True)(memory)
    x = layers.Dense(width)(before)
    x = layers.Add()([x, layers.SinePositionEncoding()(x)])
    for _ in range(2):
        x = layers.TransformerDecoder(2 * width, heads, activation="gelu", normalize_first=True)(x, memory)
    return keras.Model([seen, before], layers.Dense(2)(layers.LayerNormalization()(x)))


def steps_of(paths):
    """Returns the way from each place to the next, in units of about one."""
    return (np.diff(paths, axis=1, prepend=paths[:, :1]) / (10 * TIME_STEP)).astype("float32")


def forecast(model, measured):
    """Returns the places after the measured ones, written one after the other."""
    seen = steps_of(measured[:, :SEEN])
    written = seen[:, -1:]
    for _ in range(FORETOLD):
        following = model.predict([seen, written], batch_size=len(seen), verbose=0)[:, -1:]
        written = np.concatenate([written, following], axis=1)
    return measured[:, SEEN - 1 : SEEN] + np.cumsum(written[:, 1:], axis=1) * 10 * TIME_STEP


def parabolas(measured):
    """Returns the places after the measured ones on the parabola that fits these best."""
    time = np.arange(SEEN + FORETOLD)
    powers = np.vander(time, 3)
    fitted = np.linalg.lstsq(powers[:SEEN], measured[:, :SEEN].transpose(1, 0, 2).reshape(SEEN, -1), rcond=None)[0]
    return (powers[SEEN:] @ fitted).reshape(FORETOLD, -1, 2).transpose(1, 0, 2)


def straight(measured):
    velocity = (measured[:, SEEN - 1] - measured[:, SEEN - 4]) / 3
    return measured[:, None, SEEN - 1] + velocity[:, None] * np.arange(1, FORETOLD + 1)[:, None]


epochs = next((int(argument) for argument in sys.argv[1:] if argument.isdigit()), 3)
picture = next((argument for argument in sys.argv[1:] if argument.endswith(".png")), None)
keras.utils.set_random_seed(0)
measured, path = flights(4000, seed=0)
ways = steps_of(measured)
aims = steps_of(np.concatenate([measured[:, :SEEN], path[:, SEEN:]], axis=1))[:, SEEN:]
model = network()
model.compile(keras.optimizers.Adam(2e-3, clipnorm=1.0), "mse")
inputs = [ways[:, :SEEN], ways[:, SEEN - 1 : -1]]
history = model.fit(inputs, aims, batch_size=64, epochs=epochs, verbose=0)

measured, path = flights(200, seed=1)
forecasts = {
    "the last velocity": straight(measured),
    "a parabola": parabolas(measured),
    "encoder and decoder": forecast(model, measured),
}
print(f"{model.count_params()} parameters, loss {history.history['loss'][-1]:.4f}")
for name, places in forecasts.items():
    error = np.linalg.norm(places - path[:, SEEN:], axis=-1)
    print(f"{name}: {error.mean():.2f} m off on average, {error[:, -1].mean():.2f} m at the end")

if picture:
    from dlnative.utils.charts import new_figure

    figure = new_figure("trajectories", 10, 6)
    all_axes = figure.subplots(2, 3)
    for number, axes in enumerate(all_axes.ravel()):
        axes.plot(*path[number].T, "k-", linewidth=1, label="the ball")
        axes.plot(*measured[number, :SEEN].T, "k.", label="measured")
        for name, places in forecasts.items():
            axes.plot(*places[number].T, label=name)
        axes.set_aspect("equal")
    all_axes[0, 0].legend(fontsize=7)
    figure.savefig(picture, dpi=130)
