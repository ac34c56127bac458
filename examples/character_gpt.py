"""A GPT of characters: it learns a text and goes on with it.

    python examples/character_gpt.py [text.txt] [steps]

Without a file it learns a few proverbs.
"""

import sys
from pathlib import Path

import numpy as np

import dlnative as keras
from dlnative.generation import GPT, TopPSampler

PROVERBS = """a bird in the hand is worth two in the bush. actions speak louder than words. all that glitters is not gold.
better late than never. birds of a feather flock together. every cloud has a silver lining. fortune favours the bold.
great minds think alike. honesty is the best policy. look before you leap. no news is good news. practice makes perfect.
still waters run deep. the early bird catches the worm. time and tide wait for no man. when in rome do as the romans do."""

path = next((argument for argument in sys.argv[1:] if argument.endswith(".txt")), None)
steps = next((int(argument) for argument in sys.argv[1:] if argument.isdigit()), 2000 if path else 150)
text = Path(path).read_text() if path else PROVERBS
characters = sorted(set(text))
numbers = {character: number for number, character in enumerate(characters)}
data = np.array([numbers[character] for character in text])

context, batch = (64, 16) if path else (32, 16)
starts = np.random.default_rng(0).integers(0, len(data) - context - 1, (steps, batch)).ravel()
windows = data[starts[:, None] + np.arange(context + 1)]

keras.utils.set_random_seed(0)
model = GPT(len(characters), context, num_layers=4 if path else 2, num_heads=4, hidden_dim=128 if path else 48)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.AdamW(1e-3 if path else 5e-3), loss)
history = model.fit(windows[:, :-1], windows[:, 1:], batch_size=batch, shuffle=False, verbose=2 if path else 0)
print(f"{steps} steps, mean loss {history.history['loss'][-1]:.3f}")

prompt = data[None, :8]
written = model.generate(prompt, max_length=context, sampler=TopPSampler(0.9, temperature=0.7, seed=0))
print("".join(characters[number] for number in written[0]))
