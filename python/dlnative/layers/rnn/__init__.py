"""Recurrent layers, their cells, and what is wrapped around them."""
