"""The public names of ``creche.explain``: type checkers and the package itself read them here."""

from creche.explain.compare import Comparison as Comparison
from creche.explain.compare import compare as compare
from creche.explain.decision_regions import DecisionRegions as DecisionRegions
from creche.explain.decision_regions import decision_regions as decision_regions
from creche.explain.diagnosis.diagnose import diagnose as diagnose
from creche.explain.diagnosis.findings import Diagnosis as Diagnosis
from creche.explain.diagnosis.findings import Finding as Finding
from creche.explain.diagnosis.findings import Trial as Trial
from creche.explain.divergence import Divergence as Divergence
from creche.explain.divergence import divergence as divergence
from creche.explain.integrated_gradients import IntegratedGradients as IntegratedGradients
from creche.explain.integrated_gradients import integrated_gradients as integrated_gradients
from creche.explain.loss_curve import LossAgainstWeight as LossAgainstWeight
from creche.explain.loss_curve import loss_against_weight as loss_against_weight
from creche.explain.loss_surface import LossSurface as LossSurface
from creche.explain.loss_surface import loss_surface as loss_surface
from creche.explain.nearest_rows import NearestRows as NearestRows
from creche.explain.nearest_rows import nearest_rows as nearest_rows
from creche.explain.partial_dependence import PartialDependence as PartialDependence
from creche.explain.partial_dependence import partial_dependence as partial_dependence
from creche.explain.permutation_importance import PermutationImportance as PermutationImportance
from creche.explain.permutation_importance import permutation_importance as permutation_importance
from creche.explain.rows import Batch as Batch
from creche.explain.rows import create_batch as create_batch
from creche.explain.trace.forward import ForwardPass as ForwardPass
from creche.explain.trace.forward import forward_pass as forward_pass
from creche.explain.trace.result import Trace as Trace
from creche.explain.trace.trace import trace as trace

__all__: list[str]
