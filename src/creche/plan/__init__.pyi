"""The public names of ``creche.plan``: type checkers and the package itself read them here."""

from creche.plan.activations import ACTIVATIONS as ACTIVATIONS
from creche.plan.initializers import INITIALIZERS as INITIALIZERS
from creche.plan.losses import LOSSES as LOSSES
from creche.plan.network import Layer as Layer
from creche.plan.network import Network as Network
from creche.plan.optimizers import OPTIMIZERS as OPTIMIZERS
from creche.plan.plan import EarlyStopping as EarlyStopping
from creche.plan.plan import Plan as Plan
from creche.plan.schedules import SCHEDULES as SCHEDULES
