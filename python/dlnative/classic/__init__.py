"""The first artificial neurons: McCulloch and Pitts's, and Rosenblatt's perceptron with its learning rule."""

from __future__ import annotations

from dlnative.classic.gates import GATES, gate_data
from dlnative.classic.mcculloch_pitts import McCullochPittsNeuron
from dlnative.classic.perceptron import Perceptron, PerceptronHistory

__all__ = ["GATES", "McCullochPittsNeuron", "Perceptron", "PerceptronHistory", "gate_data"]
