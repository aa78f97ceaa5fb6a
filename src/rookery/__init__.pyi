"""The public interface, for type checkers; `__init__.py` imports each name when it is first used."""

from rookery.errors import DivergedError as DivergedError
from rookery.errors import FileError as FileError
from rookery.errors import PlanError as PlanError
from rookery.errors import RookeryError as RookeryError
from rookery.errors import RookeryWarning as RookeryWarning
from rookery.errors import TableError as TableError
from rookery.evaluation import ClassEvaluation as ClassEvaluation
from rookery.evaluation import NumberEvaluation as NumberEvaluation
from rookery.history import History as History
from rookery.model import Model as Model
from rookery.plan import initializers as initializers
from rookery.plan import schedules as schedules
from rookery.plan.activations import Elu as Elu
from rookery.plan.activations import Gelu as Gelu
from rookery.plan.activations import GeluTanh as GeluTanh
from rookery.plan.activations import Identity as Identity
from rookery.plan.activations import LeakyRelu as LeakyRelu
from rookery.plan.activations import Mish as Mish
from rookery.plan.activations import Relu as Relu
from rookery.plan.activations import Selu as Selu
from rookery.plan.activations import Sigmoid as Sigmoid
from rookery.plan.activations import Silu as Silu
from rookery.plan.activations import Softplus as Softplus
from rookery.plan.activations import Tanh as Tanh
from rookery.plan.losses import AbsoluteError as AbsoluteError
from rookery.plan.losses import BinaryCrossEntropy as BinaryCrossEntropy
from rookery.plan.losses import CrossEntropy as CrossEntropy
from rookery.plan.losses import Huber as Huber
from rookery.plan.losses import Poisson as Poisson
from rookery.plan.losses import Quantile as Quantile
from rookery.plan.losses import SquaredError as SquaredError
from rookery.plan.network import Layer as Layer
from rookery.plan.network import Network as Network
from rookery.plan.optimizers import SGD as SGD
from rookery.plan.optimizers import Adadelta as Adadelta
from rookery.plan.optimizers import Adagrad as Adagrad
from rookery.plan.optimizers import Adam as Adam
from rookery.plan.optimizers import AdamW as AdamW
from rookery.plan.optimizers import Lion as Lion
from rookery.plan.optimizers import NAdam as NAdam
from rookery.plan.optimizers import RAdam as RAdam
from rookery.plan.optimizers import RMSprop as RMSprop
from rookery.plan.plan import EarlyStopping as EarlyStopping
from rookery.plan.plan import Plan as Plan
from rookery.table import datasets as datasets
from rookery.training import Run as Run
from rookery.training import train as train

__version__: str
__all__: list[str]
