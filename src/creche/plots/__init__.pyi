"""The public names of ``creche.plots``: type checkers and the package itself read them here."""

from creche.plots.classification import confusion_matrix as confusion_matrix
from creche.plots.classification import precision_recall as precision_recall
from creche.plots.classification import reliability_diagram as reliability_diagram
from creche.plots.classification import roc_curves as roc_curves
from creche.plots.colony import plot_curves as plot_curves
from creche.plots.colony import plot_map as plot_map
from creche.plots.colony import plot_spread as plot_spread
from creche.plots.comparison import comparison as comparison
from creche.plots.comparison import losses_of_runs as losses_of_runs
from creche.plots.comparison import paths_of_runs as paths_of_runs
from creche.plots.decision_regions import decision_regions as decision_regions
from creche.plots.history import loss_curves as loss_curves
from creche.plots.history import metric_curves as metric_curves
from creche.plots.history import plot_history as plot_history
from creche.plots.integrated_gradients import integrated_gradients as integrated_gradients
from creche.plots.learning_rate import learning_rate_bands as learning_rate_bands
from creche.plots.learning_rate import learning_rate_curves as learning_rate_curves
from creche.plots.loss_landscape import loss_against_weight as loss_against_weight
from creche.plots.loss_landscape import loss_surface as loss_surface
from creche.plots.network import network as network
from creche.plots.partial_dependence import partial_dependence as partial_dependence
from creche.plots.permutation_importance import permutation_importance as permutation_importance
from creche.plots.predicted_intervals import predicted_intervals as predicted_intervals
from creche.plots.recording import recorded_numbers as recorded_numbers
from creche.plots.recording import recorded_weights as recorded_weights
from creche.plots.regression import predicted_against_true as predicted_against_true
from creche.plots.regression import residuals as residuals
from creche.plots.save import save_all as save_all
from creche.plots.weights import weight_histograms as weight_histograms
from creche.plots.weights import weights_over_epochs as weights_over_epochs

__all__: list[str]
