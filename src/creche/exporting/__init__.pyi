"""The public interface of the package, for type checkers; `__init__.py` imports each name when it is first used."""

from creche.exporting.javascript.write import JAVASCRIPT_FILE as JAVASCRIPT_FILE
from creche.exporting.javascript.write import build_module as build_module
from creche.exporting.javascript.write import build_script as build_script
from creche.exporting.javascript.write import write_javascript as write_javascript
from creche.exporting.onnx.write import ONNX_FILE as ONNX_FILE
from creche.exporting.onnx.write import write_onnx as write_onnx
from creche.exporting.sql.write import SQL_FILE as SQL_FILE
from creche.exporting.sql.write import build_query as build_query
from creche.exporting.sql.write import write_sql as write_sql
from creche.exporting.torch_networks import build_torch_module as build_torch_module
from creche.exporting.torch_networks import from_torch as from_torch
