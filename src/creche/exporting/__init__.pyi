"""The public interface of the package, for type checkers; `__init__.py` imports each name when it is first used."""

from creche.exporting.onnx.write import ONNX_FILE as ONNX_FILE
from creche.exporting.onnx.write import write_onnx as write_onnx
