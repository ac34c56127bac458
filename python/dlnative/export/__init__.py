"""Trained models for other programs: what `Model.export` writes."""
