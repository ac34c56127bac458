"""Layers that prepare features: numbers in the model, text at its entry."""
