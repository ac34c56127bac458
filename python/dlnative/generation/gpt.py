"""GPT: a decoder of tokens that goes on with what it is given."""

from __future__ import annotations

import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np

from dlnative import initializers, ops
from dlnative.generation.samplers import get as get_sampler
from dlnative.graph.variable import Variable
from dlnative.layers.dense import Dense
from dlnative.layers.layer import Layer
from dlnative.layers.normalization import LayerNormalization
from dlnative.layers.positions import TokenAndPositionEmbedding
from dlnative.layers.regularization import Dropout
from dlnative.layers.transformer import TransformerDecoder
from dlnative.models.model import Model
from dlnative.utils.checks import integer


class GPT(Model):
    """A language model: tokens and positions, blocks of causal attention, and logits of the next token for each step.

    Args:
        vocabulary_size: the number of tokens.
        sequence_length: the number of steps that there may be.
        num_layers: the number of blocks.
        num_heads: the number of heads, which divides `hidden_dim`.
        hidden_dim: the features of a step.
        intermediate_dim: the units of a feedforward network's first layer, by default `4 * hidden_dim`.
        dropout: the share of elements that are dropped while training.
        activation: of the feedforward networks.

    Source:
        Radford et al., "Language models are unsupervised multitask learners", 2019.

    Example:
        >>> import numpy as np
        >>> from dlnative.generation import GPT
        >>> model = GPT(vocabulary_size=20, sequence_length=16, num_layers=2, num_heads=2, hidden_dim=8)
        >>> model(np.array([[1, 2, 3]])).shape
        (1, 3, 20)
        >>> model.generate(np.array([[1, 2, 3]]), max_length=6).shape
        (1, 6)
    """

    def __init__(
        self, vocabulary_size: int, sequence_length: int, num_layers: int, num_heads: int, hidden_dim: int,
        intermediate_dim: int | None = None, dropout: float = 0.0, activation: Any = "gelu", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        intermediate_dim = 4 * hidden_dim if intermediate_dim is None else intermediate_dim
        self._arguments = {
            "vocabulary_size": vocabulary_size, "sequence_length": sequence_length, "num_layers": num_layers,
            "num_heads": num_heads, "hidden_dim": hidden_dim, "intermediate_dim": intermediate_dim, "dropout": dropout,
            "activation": activation,
        }  # fmt: skip
        normal = initializers.RandomNormal(stddev=0.02)
        self.embedding = TokenAndPositionEmbedding(
            vocabulary_size, sequence_length, hidden_dim, embeddings_initializer=normal
        )
        self.embedding_dropout = Dropout(dropout)
        self.blocks = [
            TransformerDecoder(
                intermediate_dim, num_heads, dropout, activation, kernel_initializer=initializers.RandomNormal(stddev=0.02),
                normalize_first=True, name=f"block_{number}",
            )
            for number in range(num_layers)
        ]  # fmt: skip
        self.final_norm = LayerNormalization(epsilon=1e-5)
        self.head = Dense(vocabulary_size, use_bias=False, kernel_initializer=initializers.RandomNormal(stddev=0.02))
        self._generating = SimpleNamespace(key=None, decoder=None)  # no attribute of it is a weight of the model

    def call(self, tokens: Any, training: Any = None) -> Any:
        x = self.embedding_dropout(self.embedding(tokens), training=training)
        for block in self.blocks:
            x = block(x, training=training)
        return self.head(self.final_norm(x))

    def generate(
        self, prompt: Any, max_length: int, sampler: Any = "greedy", stop_token: int | None = None, num_beams: int = 1
    ) -> Any:
        """Goes on with tokens, one at a time, and keeps keys and values of those before in a cache.

        Args:
            prompt: tokens, an array of shape `(batch, steps)`.
            max_length: how many steps there are in the end, at most `sequence_length`.
            sampler: a sampler or its name: see `generation.get_sampler`.
            stop_token: a token after which a row has nothing but it.
            num_beams: with more than 1, that many continuations are kept for each row, those of the largest product of
                probabilities, and the best is returned; a sampler is not asked then.

        Returns:
            Tokens of shape `(batch, max_length)`, as int64.

        Raises:
            ValueError: for an empty prompt, or a length that is too large or too small.
        """
        given = np.asarray(prompt)
        if given.ndim != 2 or 0 in given.shape or given.dtype.kind not in "iu":
            raise ValueError(
                f"generate: expected a prompt of tokens of shape (batch, steps), got {given.dtype} {given.shape}"
            )
        batch, steps = given.shape
        most = self.embedding.position_embedding.sequence_length
        max_length = integer("generate", "max_length", max_length, steps, most)
        beams = integer("generate", "num_beams", num_beams, 1, self.head.units)
        choose = get_sampler(sampler)
        if not self.built:
            self(given.astype("int32"))
        tokens = np.zeros((batch * beams, max_length), "int64")
        tokens[:, :steps] = np.repeat(given, beams, axis=0)
        decoder = self._decoder(batch * beams, most)
        scores = np.where(
            np.arange(batch * beams) % beams == 0, 0.0, -np.inf
        )  # all beams begin alike: one of them counts
        ended = np.zeros(batch * beams, bool)
        start = 0
        for step in range(steps, max_length):
            logits = decoder(np.asarray(tokens[:, start:step], "int32"), np.asarray(start, "int32"))
            if beams == 1:
                following = choose(logits)
            else:
                following, parents, scores = _best(logits, scores, ended, stop_token, beams)
                tokens, ended = tokens[parents], ended[parents]
                decoder.reorder(parents)
            if stop_token is not None:
                following = np.where(ended, stop_token, following)
                ended |= following == stop_token
            tokens[:, step] = following
            start = step
            if ended.all():
                tokens[:, step:] = stop_token
                break
        if beams > 1:
            tokens = tokens.reshape(batch, beams, -1)[np.arange(batch), scores.reshape(batch, beams).argmax(axis=1)]
        return tokens

    def _decoder(self, rows: int, capacity: int) -> Any:
        held = self._generating
        if held.key != (rows, capacity):
            held.key, held.decoder = (rows, capacity), _Decoder(self, rows, capacity)
        return held.decoder

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self._arguments}


def _best(logits: Any, scores: Any, ended: Any, stop_token: int | None, beams: int) -> tuple[Any, Any, Any]:
    """Returns the tokens, the rows that they go on with, and the sums of logarithms, of the best continuations."""
    logits = np.asarray(logits, "float64")
    logarithms = logits - logits.max(axis=-1, keepdims=True)
    logarithms -= np.log(np.exp(logarithms).sum(axis=-1, keepdims=True))
    if stop_token is not None and ended.any():
        logarithms[ended] = -np.inf
        logarithms[ended, stop_token] = 0.0
    vocabulary = logits.shape[-1]
    sums = (scores[:, None] + logarithms).reshape(-1, beams * vocabulary)
    order = np.argsort(-sums, axis=-1, kind="stable")[:, :beams]
    first = np.arange(len(sums))[:, None] * beams
    parents = (first + order // vocabulary).ravel()
    return (order % vocabulary).ravel(), parents, np.take_along_axis(sums, order, axis=-1).ravel()


class _Decoder(Layer):
    """A model's steps from a start on, with keys and values of all steps before in variables; compiled once a length."""

    def __init__(self, model: GPT, rows: int, capacity: int) -> None:
        super().__init__()
        self._of = SimpleNamespace(model=weakref.proxy(model))  # its weights are not this layer's
        attention = model.blocks[0]._self_attention
        shape = (rows, capacity, attention.num_heads, attention.key_dim)
        self._caches = [
            (Variable("zeros", shape=shape, trainable=False), Variable("zeros", shape=shape, trainable=False))
            for _ in model.blocks
        ]
        self._reordered = _Reordered(self._caches)

    def call(self, tokens: Any, start: Any) -> Any:
        model = self._of.model
        x = model.embedding(tokens, start_index=start)
        for block, (keys, values) in zip(model.blocks, self._caches, strict=True):
            x = block.call_with_cache(x, keys, values, start)
        return model.head(model.final_norm(x[:, -1]))

    def reorder(self, parents: Any) -> None:
        """Makes each row that of another one."""
        if (parents != np.arange(len(parents))).any():
            self._reordered(np.asarray(parents, "int32"))


class _Reordered(Layer):
    def __init__(self, caches: Any) -> None:
        super().__init__()
        self._caches = caches

    def call(self, parents: Any) -> Any:
        for pair in self._caches:
            for cache in pair:
                cache.assign(ops.take(cache, parents, axis=0))
        return parents
