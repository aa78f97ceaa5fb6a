"""To PyTorch and back: a model as a module, and a network that was trained elsewhere as a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.parameters import Parameters
from creche.errors import CrecheError, PlanError
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.predictor import Predictor

if TYPE_CHECKING:
    from creche.exporting.torch.build import Place

__all__ = ["build_torch_module", "from_torch"]

COUNTER = "num_batches_tracked"  # of batch normalization, which only training with another momentum needs


def build_torch_module(model: Predictor) -> Any:
    """Return a model as a module of PyTorch: see `Predictor.to_torch`.

    Raises
    ------
    CrecheError
        If PyTorch is not installed.

    """
    _require_torch()
    from creche.exporting.torch.predicting import TorchEnsemble, TorchModel

    assert isinstance(model, Model | Ensemble)  # there is no other kind
    return TorchModel(model) if isinstance(model, Model) else TorchEnsemble(model)


def from_torch(module: Any, *, like: Model) -> Model:
    """Return a model whose network has the parameters of a module that was trained in PyTorch.

    Parameters
    ----------
    module : torch.nn.Module
        What `Model.to_torch` returned, its ``network``, or any other module that has tensors of the same shapes in the
        same order, such as a ``torch.nn.Sequential`` of linear layers and activations.
    like : Model
        A model of the same network, whose encoders, label and activations the new one has.

    Returns
    -------
    Model
        Without provenance and history, which tell of another training.

    Raises
    ------
    CrecheError
        If PyTorch is not installed.
    PlanError
        If the module is none, or has other tensors than the network.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", epochs=2, threads=1).model
    >>> module = model.to_torch()  # doctest: +SKIP
    >>> tuned = cr.from_torch(module, like=model)  # doctest: +SKIP
    >>> cr.from_torch("penguins.pt", like=model)
    Traceback (most recent call last):
    creche.errors.PlanError: module: got a str; needs a torch.nn.Module, such as what to_torch returned

    """
    if not isinstance(like, Model):
        raise PlanError(f"like: got {type(like).__name__}; needs a model of one network", argument="like")
    if isinstance(module, type) or not callable(getattr(module, "state_dict", None)):
        got = f"the class {module.__name__}" if isinstance(module, type) else f"a {type(module).__name__}"
        raise PlanError(
            f"module: got {got}; needs a torch.nn.Module, such as what to_torch returned",
            argument="module",
        )
    _require_torch()
    from creche.exporting.torch.build import build_network

    network, places = build_network(like)
    given = {name: tensor for name, tensor in module.state_dict().items() if not name.endswith(COUNTER)}
    own = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith(COUNTER)}
    arrays = _match(given, own)
    # Tensors of the state share their memory with the parameters that places hold.
    by_memory = {tensor.data_ptr(): (name, arrays[name]) for name, tensor in own.items()}
    found = {place.name: _read(*by_memory[place.tensor.data_ptr()], place, like) for place in places}
    parameters = Parameters({name: found[name] for name in like.parameters})
    return replace(like, parameters=parameters, origin=None)


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise CrecheError("modules of PyTorch need the package torch: pip install torch") from error


def _match(given: dict[str, Any], own: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the array for each tensor of the network: by its name, or else by its place in the order.

    Raises
    ------
    PlanError
        If there are other tensors than these.

    """
    inner = {name.removeprefix("network."): tensor for name, tensor in given.items() if name.startswith("network.")}
    chosen = next((state for state in (given, inner) if own.keys() <= state.keys()), None)
    if chosen is None:
        if len(given) != len(own):
            raise PlanError(
                f"module: it has {len(given)} tensors, and the network {len(own)}: {', '.join(list(own)[:8])}; give a "
                "module of the same layers",
                argument="module",
            )
        chosen = dict(zip(own, given.values(), strict=True))
    arrays = {}
    for name, tensor in own.items():
        array = _to_array(name, chosen[name])
        if array.shape != tuple(tensor.shape):
            raise PlanError(
                f"module: its tensor for {name!r} has shape {array.shape}; the network has {tuple(tensor.shape)} there",
                argument="module",
            )
        arrays[name] = array
    return arrays


def _to_array(name: str, tensor: Any) -> NDArray[Any]:
    """Return the numbers of a tensor, of whatever type and device, in double precision.

    Raises
    ------
    PlanError
        If it has none that a network could have.

    """
    try:
        if not tensor.is_complex():
            return np.asarray(tensor.detach().cpu().double().numpy())
        reason = "its numbers are complex"
    except (AttributeError, RuntimeError, TypeError) as error:  # no tensor, or one on no device, or sparse
        reason = str(error).partition("\n")[0]
    raise PlanError(f"module: its tensor for {name!r} cannot be read: {reason}", argument="module")


def _read(name: str, array: NDArray[Any], place: Place, like: Model) -> NDArray[Any]:
    """Return the numbers of a tensor as a model has them.

    Raises
    ------
    PlanError
        If they are not finite in its precision.

    """
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(array.T if place.is_transposed else array, dtype=like.plan.dtype)
    if not np.isfinite(found).all():
        raise PlanError(
            f"module: its tensor for {name!r} holds numbers that are not finite in {like.plan.dtype}",
            argument="module",
        )
    return found
