"""Figures of cats and dogs, drawn shape by shape."""
