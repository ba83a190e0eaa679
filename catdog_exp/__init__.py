"""Declarative experiment runner for image classification, cats against dogs first."""
