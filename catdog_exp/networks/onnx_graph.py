"""Networks in ONNX: what a Gluon block computes, operator by operator, for any program that reads ONNX.

MXNet's own exporter is not used: it writes operators of 2021 under the newest version's number, which the checker of
today's package onnx refuses, and knows no operator of one's own, as `onnx_backbone` has.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.networks.onnx_backbone import OPERATOR
from catdog_exp.networks.parameters import named_parameters

if TYPE_CHECKING:
    from onnx import ModelProto

PIXELS, LOGITS, PROBABILITIES = "pixels", "logits", "probabilities"  # input, and outputs
OPSET, IR_VERSION = 17, 8  # read by ONNX Runtime from 1.13 on
OLDEST = 13  # opset; what is written here means the same in all from then on

ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softrelu": "Softplus", "softsign": "Softsign"}
# Operators that take what they are given and have no settings.
PLAIN = {
    **{f"{start}_{name}": name.capitalize() for start in ("elemwise", "broadcast") for name in ("add", "sub", "mul")},
    "elemwise_div": "Div",
    "broadcast_div": "Div",
    "Flatten": "Flatten",
    "Dropout": "Identity",
    "_copy": "Identity",
}
# With one number, which stands behind what is given, or before it.
SCALAR = {"_plus_scalar": "Add", "_minus_scalar": "Sub", "_mul_scalar": "Mul", "_div_scalar": "Div"}
SCALAR_FIRST = {"_rminus_scalar": "Sub", "_rdiv_scalar": "Div"}


def onnx_model(
    block: Any, parameters: Mapping[str, NDArray[Any]], size: int, classes: int, *, mirrored: bool
) -> ModelProto:
    """An ONNX model of a network: from pixels, float32 RGB in 0..255 of shape (N, 3, size, size), to logits and
    probabilities, each (N, classes), for any N.

    block: a Gluon HybridBlock, initialized or not, without fused operators. parameters: its, by structural name, which
    they keep. mirrored: the logits are means over each picture and its mirror image. Equal networks give equal bytes.

    Raises UserError, one line, where the block has an operator that is not known here.
    """
    from onnx import TensorProto, helper

    graph = _Graph()
    given = graph.with_mirror_images(PIXELS) if mirrored else PIXELS
    logits = graph.block(block, parameters, given)
    graph.mean_of_halves(logits, classes) if mirrored else graph.node("Identity", [logits], LOGITS)
    graph.node("Softmax", [LOGITS], PROBABILITIES, axis=1)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", classes]) for name in (LOGITS, PROBABILITIES)
    ]
    pixels = helper.make_tensor_value_info(PIXELS, TensorProto.FLOAT, ["N", 3, size, size])
    made = helper.make_graph(graph.nodes, "network", [pixels], outputs, graph.initializers)
    opsets = [helper.make_opsetid(domain, version) for domain, version in graph.opsets.items()]
    return helper.make_model(
        made, producer_name="catdog_exp", opset_imports=opsets, ir_version=graph.ir_version, functions=graph.functions
    )


class _Graph:
    """An ONNX graph as it grows. Values are called by the number of the node that gives them."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.functions: list[Any] = []
        self.padding: dict[str, NDArray[np.int64]] = {}  # of weights: before and after their height and their width
        self.opsets = {"": OPSET}
        self.ir_version = IR_VERSION

    def node(self, kind: str, inputs: Sequence[str], output: str = "", **settings: Any) -> str:
        """Add an operator. Returns the name of its output."""
        from onnx import helper

        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], output, **settings))
        return output

    def constant(self, values: Any, dtype: Any = np.float32, name: str = "") -> str:
        """Add an array. Returns its name."""
        from onnx import numpy_helper

        name = name or f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def with_mirror_images(self, pixels: str) -> str:
        """All pictures, and behind them all their mirror images."""
        start, end, axis, step = (self.constant([number], np.int64) for number in (-1, np.iinfo(np.int64).min, 3, -1))
        mirrored = self.node("Slice", [pixels, start, end, axis, step])
        return self.node("Concat", [pixels, mirrored], axis=0)

    def mean_of_halves(self, logits: str, classes: int) -> None:
        """The mean of the first and the second half of the rows."""
        halves = self.node("Reshape", [logits, self.constant([2, -1, classes], np.int64)])
        first, second = (self.node("Gather", [halves, self.constant(half, np.int64)], axis=0) for half in (0, 1))
        self.node("Div", [self.node("Add", [first, second]), self.constant(2)], LOGITS)

    def block(self, block: Any, parameters: Mapping[str, NDArray[Any]], given: str) -> str:
        """Add what a block computes of the value called `given`. Returns the name of its output."""
        structural = {parameter.name: name for name, parameter in named_parameters(block).items()}
        symbol = json.loads(block(mx.sym.var(PIXELS)).tojson())
        names: list[str] = []  # of what each node of the symbol gives
        for node in symbol["nodes"]:
            inputs = [names[source[0]] for source in node["inputs"]]
            settings = {key: _value(text) for key, text in node.get("attrs", {}).items()}
            if settings.get("op_type") == OPERATOR:
                names.append(self.file(inputs[0], parameters[inputs[1]], node["attrs"]["digest"]))
            elif node["op"] == "Pad" and inputs[0] in parameters:
                self.padding[inputs[0]] = np.reshape(settings["pad_width"], (4, 2))[2:].T
                names.append(inputs[0])
            elif node["op"] != "null":
                names.append(self.operator(node["op"], inputs, settings))
            elif node["name"] == PIXELS:
                names.append(given)
            else:
                names.append(structural[node["name"]])
        used = {name for node in self.nodes for name in node.input}
        for name, values in parameters.items():
            if name in used:
                self.constant(values, name=name)
        last: int = symbol["heads"][0][0]
        return names[last]

    def operator(self, kind: str, inputs: list[str], settings: Mapping[str, Any]) -> str:
        """Add one of MXNet's operators. Returns the name of its output."""
        if kind in PLAIN:
            return self.node(PLAIN[kind], inputs)
        if kind in SCALAR:
            return self.node(SCALAR[kind], [*inputs, self.constant(settings["scalar"])])
        if kind in SCALAR_FIRST:
            return self.node(SCALAR_FIRST[kind], [self.constant(settings["scalar"]), *inputs])
        match kind, settings:
            case "Convolution", _:
                window = _window(settings)
                if (
                    inputs[1] in self.padding
                ):  # zeros around a kernel: a smaller one, on so much less around the picture
                    around = self.padding[inputs[1]]
                    window["kernel_shape"] = np.subtract(window["kernel_shape"], around.sum(axis=0)).tolist()
                    window["pads"] = np.subtract(window["pads"], around.reshape(-1)).tolist()
                return self.node("Conv", inputs, group=settings.get("num_group", 1), **window)
            case "FullyConnected", {"flatten": True}:
                return self.node("Gemm", [self.node("Flatten", inputs[:1]), *inputs[1:]], transB=1)
            case "BatchNorm", {"fix_gamma": False, "axis": 1}:
                return self.node("BatchNormalization", inputs, epsilon=settings["eps"])
            case "Activation", {"act_type": act} if act in ACTIVATIONS:
                return self.node(ACTIVATIONS[act], inputs)
            case "LeakyReLU", {"act_type": "leaky"}:
                return self.node("LeakyRelu", inputs, alpha=settings.get("slope", 0.25))
            case "clip", _:
                bounds = [self.constant(settings[key]) for key in ("a_min", "a_max")]
                return self.node("Clip", [*inputs, *bounds])
            case "Concat", _:
                return self.node("Concat", inputs, axis=settings.get("dim", 1))
            case "Pad", {"mode": "constant"}:
                width = settings["pad_width"]
                pads = self.constant([*width[::2], *width[1::2]], np.int64)
                return self.node("Pad", [*inputs, pads, self.constant(settings.get("constant_value", 0))])
            case "mean", {"axis": (2, 3)}:
                mean = self.node("GlobalAveragePool", inputs)
                return mean if settings.get("keepdims") else self.node("Flatten", [mean])
            case "Pooling", {"pool_type": "max" | "avg" as pooled, "global_pool": True}:
                return self.node("GlobalMaxPool" if pooled == "max" else "GlobalAveragePool", inputs)
            case "Pooling", {"pool_type": "max"}:
                return self.node("MaxPool", inputs, **_pooled(settings))
            case "Pooling", {"pool_type": "avg"}:
                padded = int(settings.get("count_include_pad", True))
                return self.node("AveragePool", inputs, count_include_pad=padded, **_pooled(settings))
        shown = ", ".join(f"{key}={value}" for key, value in settings.items())
        raise UserError(f"the network has an operator that is not written to ONNX here: {kind}({shown})")

    def file(self, given: str, content: NDArray[Any], digest: str) -> str:
        """Add the network in an `OnnxLayer`'s file, and what it does to the pixels before. Returns its output's name.

        digest: the layer's.
        """
        from onnx import compose, load_from_string

        from catdog_exp.networks.onnx_layer import pixel_scaling

        inner = load_from_string(content.tobytes())
        # One model has one opset: what stands around the file means the same in the file's.
        self.opsets = {"" if each.domain == "ai.onnx" else each.domain: each.version for each in inner.opset_import}
        if self.opsets.get("", 0) < OLDEST:
            raise UserError(
                f"the network's own ONNX file has opset {self.opsets.get('')}, older than {OLDEST}: "
                "convert it by onnx.version_converter"
            )
        self.ir_version = max(IR_VERSION, inner.ir_version)
        self.functions = list(inner.functions)
        inner = compose.add_prefix(inner, "file/")
        mean, deviation = map(self.constant, pixel_scaling(digest))
        centered = self.node("Sub", [self.node("Div", [given, self.constant(255)]), mean])
        held = {each.name for each in inner.graph.initializer}  # which older files name among the inputs too
        self.node("Div", [centered, deviation], next(e.name for e in inner.graph.input if e.name not in held))
        self.nodes += inner.graph.node
        self.initializers += inner.graph.initializer
        return str(inner.graph.output[0].name)


def _window(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Kernel, strides, padding and dilation of a convolution or a pooling over two axes."""
    pad = settings.get("pad") or (0, 0)
    window = {"kernel_shape": [*settings["kernel"]], "strides": [*(settings.get("stride") or (1, 1))]}
    return {**window, "pads": [*pad, *pad], "dilations": [*(settings.get("dilate") or (1, 1))]}


def _pooled(settings: Mapping[str, Any]) -> dict[str, Any]:
    window = _window(settings)
    del window["dilations"]  # of an average, ONNX has them only lately, and MXNet not at all
    return {**window, "ceil_mode": int(settings.get("pooling_convention") == "full")}


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
