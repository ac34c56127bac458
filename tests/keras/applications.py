"""Writes applications.json: outputs of Keras's networks, with weights and images that both sides make by one rule.

    KERAS_BACKEND=jax python tests/keras/applications.py

needs Keras, and the NumPy of the tests; `tests/test_applications.py` compares.
"""

import json
import sys
from pathlib import Path

import numpy as np

import keras

HERE = Path(__file__).parent
BARE = {"include_top": False, "pooling": "avg"}
LOGITS = {"classes": 5, "classifier_activation": None}
CASES = [
    ("VGG16", 32, BARE), ("VGG19", 32, BARE), ("ResNet50", 32, BARE), ("ResNet50V2", 32, BARE),
    ("MobileNet", 33, {**LOGITS, "alpha": 0.25}), ("MobileNetV2", 32, {**LOGITS, "alpha": 0.35}),
    ("MobileNetV3Small", 34, LOGITS), ("MobileNetV3Large", 32, {**BARE, "minimalistic": True}), ("DenseNet121", 32, LOGITS),
    ("Xception", 71, BARE), ("InceptionV3", 75, BARE), ("InceptionResNetV2", 75, BARE), ("EfficientNetB0", 33, LOGITS),
    ("EfficientNetV2B0", 32, LOGITS), ("EfficientNetV2S", 32, {**BARE, "include_preprocessing": False}),
    ("ConvNeXtTiny", 32, LOGITS),
]  # fmt: skip


def main() -> None:
    sys.path.insert(0, str(HERE))
    from deterministic_weights import images, weigh

    lines = []
    for name, size, arguments in CASES:
        keras.utils.clear_session()
        model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), **arguments)
        weigh(model)
        outputs = np.asarray(model(images(size))).reshape(2, -1)
        step = max(1, outputs.shape[1] // 5)
        found = {
            "name": name,
            "size": size,
            "arguments": arguments,
            "parameters": model.count_params(),
            "layers": [layer.name for layer in model.layers if "_" in layer.name][:40:3],
            "step": step,
            "outputs": [[float(f"{value:.7g}") for value in row] for row in outputs[:, ::step]],
        }
        lines.append(json.dumps(found))
    (HERE / "applications.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
