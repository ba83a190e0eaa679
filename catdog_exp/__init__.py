"""Declarative experiment runner for image classification, cats against dogs first."""

import os

# Else ONNX Runtime tells its makers of its use, and leaves a file in the temporary folder; read at its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
