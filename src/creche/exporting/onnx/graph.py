"""The graph under construction: nodes, constants, inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.errors import CrecheError

__all__ = ["ELEMENTS", "IR_VERSION", "ML", "ML_OPSET", "OPSET", "Element", "Graph", "Operand", "Value", "import_onnx"]

# From opset 20 on, ONNX Runtime refuses activations in double that it takes apart into simpler nodes at 18; IR 8 is
# the newest that runtimes of 2023 read.
OPSET, ML_OPSET, IR_VERSION = 18, 3, 8
ML: Literal["ai.onnx.ml"] = "ai.onnx.ml"

Value: TypeAlias = str  # the name of a tensor
Operand: TypeAlias = Value | NDArray[Any]  # an array becomes a constant
Element: TypeAlias = Literal["float", "double", "int64", "uint64", "bool", "string"]

ELEMENTS: dict[str, Element] = {
    "float32": "float", "float64": "double", "int64": "int64", "uint64": "uint64", "bool": "bool",
}  # fmt: skip


def import_onnx() -> ModuleType:
    """Return the package onnx.

    Raises
    ------
    CrecheError
        If it is not installed.

    """
    try:
        import onnx
    except ImportError as error:
        raise CrecheError(
            "exporting to ONNX needs the package onnx, and onnxruntime to check the result faster: "
            "pip install 'creche[onnx]'"
        ) from error
    return onnx  # type: ignore[no-any-return]


class Graph:
    """An ONNX graph, to which nodes are added in the order of computation.

    Parameters
    ----------
    reserved : iterable of str
        The names of the inputs and outputs, which no inner tensor gets.

    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self._onnx = import_onnx()
        self._prefix = "creche/"
        while any(name.startswith(self._prefix) for name in reserved):
            self._prefix += "/"
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self._tensors: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._count = 0

    def add(self, op: str, *operands: Operand, domain: Literal["", "ai.onnx.ml"] = "", **attributes: Any) -> Value:
        """Add a node with one output, and return it.

        Parameters
        ----------
        op : str
            The operator.
        *operands : str or array
        domain : str, default ""
            That of the operator.
        **attributes
            Those of the operator.

        """
        out = self._new_name()
        inputs = [self.constant(each) if isinstance(each, np.ndarray) else each for each in operands]
        self._nodes.append(self._onnx.helper.make_node(op, inputs, [out], name=out, domain=domain, **attributes))
        return out

    def add_sorted(self, value: Value, size: int, *, descending: bool) -> Value:
        """Sort numbers along the last axis, which has `size` of them."""
        out, places = self._new_name(), self._new_name()
        inputs = [value, self.constant(np.array([size]))]
        node = self._onnx.helper.make_node(
            "TopK", inputs, [out, places], name=out, axis=-1, largest=int(descending), sorted=1
        )
        self._nodes.append(node)
        return out

    def cast(self, value: Value, dtype: str) -> Value:
        """Convert to the type of numbers that NumPy names so."""
        return self.add("Cast", value, to=self._type_of(ELEMENTS[dtype]))

    def concat(self, values: Sequence[Value], axis: int = 1) -> Value:
        """Join tensors along an axis."""
        return values[0] if len(values) == 1 else self.add("Concat", *values, axis=axis)

    def select_columns(self, value: Value, columns: Sequence[int], width: int) -> Value:
        """Return some columns, in this order, of a matrix of `width`: itself, if they are all of them."""
        if list(columns) == list(range(width)):
            return value
        return self.add("Gather", value, np.array(columns, dtype=np.int64), axis=1)

    def constant(self, array: NDArray[Any]) -> Value:
        """Return a tensor of constant numbers, or of strings; equal ones are the same tensor."""
        if array.dtype.kind in "OU":
            words = [str(word).encode() for word in array.ravel().tolist()]
            key = "string", array.shape, b"\0".join(words)
        else:
            words = []
            key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._constants:
            name = self._constants[key] = self._new_name()
            if array.dtype.kind in "OU":
                tensor = self._onnx.helper.make_tensor(name, self._type_of("string"), array.shape, words)
            else:
                tensor = self._onnx.numpy_helper.from_array(np.array(array, order="C"), name)
            self._tensors.append(tensor)
        return self._constants[key]

    def add_input(self, name: str, element: Element, columns: int, doc: str) -> Value:
        """Declare an input of the graph, (rows, columns)."""
        self._inputs.append(self._describe(name, element, ("rows", columns), doc))
        return name

    def add_output(self, value: Value, name: str, element: Element, columns: Sequence[int], doc: str) -> None:
        """Declare a tensor as an output of the graph, (rows, *columns)."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name], name=f"{self._prefix}{name}"))
        self._outputs.append(self._describe(name, element, ("rows", *columns), doc))

    def serialize(self, doc: str, version: str, metadata: Mapping[str, str]) -> bytes:
        """Return the checked graph as the bytes of a file.

        Raises
        ------
        CrecheError
            If it is larger than the format allows.

        """
        helper = self._onnx.helper
        size = sum(len(data) for _, _, data in self._constants)
        if size >= 2**31:
            raise CrecheError(
                f"the model has {size:,} bytes of numbers, and an ONNX file holds fewer than {2**31:,}; train a "
                "smaller network"
            )
        graph = helper.make_graph(self._nodes, "creche", self._inputs, self._outputs, self._tensors)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)],
            ir_version=IR_VERSION, producer_name="creche", producer_version=version, doc_string=doc,
        )  # fmt: skip
        helper.set_model_props(model, dict(metadata))
        self._onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)  # type: ignore[no-any-return]

    def _describe(self, name: str, element: Element, shape: Sequence[int | str], doc: str) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self._type_of(element), list(shape), doc_string=doc)

    def _type_of(self, element: Element) -> int:
        return getattr(self._onnx.TensorProto, element.upper())  # type: ignore[no-any-return]

    def _new_name(self) -> Value:
        self._count += 1
        return f"{self._prefix}{self._count}"
