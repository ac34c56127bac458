"""Symbolic tensors, tracing, differentiation and planning."""
