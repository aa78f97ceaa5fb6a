"""The public interface of the package, for type checkers; `__init__.py` imports each name when it is first used."""

from creche.tracking import mlflow as mlflow
from creche.tracking.tensorboard import TensorBoard as TensorBoard
