"""Text, one token after the other: a GPT, and how the next token is chosen."""

from __future__ import annotations

from dlnative.generation.gpt import GPT
from dlnative.generation.samplers import GreedySampler, RandomSampler, Sampler, TopKSampler, TopPSampler
from dlnative.generation.samplers import get as get_sampler

__all__ = ["GPT", "GreedySampler", "RandomSampler", "Sampler", "TopKSampler", "TopPSampler", "get_sampler"]
