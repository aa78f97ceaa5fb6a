from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.errors import PlanError
from creche.plan import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES, initializers, schedules
from creche.plan import activations as activations_module
from creche.plan import losses as losses_module
from creche.plan import optimizers as optimizers_module
from tests.unit.plan.spec import FLAGS, NUMBERS, parts

FAMILIES = {
    "activation": ACTIVATIONS,
    "initializer": INITIALIZERS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}
WORDS = {
    "activation": "identity relu leaky_relu elu selu gelu gelu_tanh silu mish tanh sigmoid softplus",
    "initializer": "glorot_uniform glorot_normal he_uniform he_normal lecun_uniform lecun_normal orthogonal zeros "
    "constant unit_variance",
    "loss": "cross_entropy binary_cross_entropy squared_error absolute_error huber poisson quantile",
    "optimizer": "sgd adagrad adadelta rmsprop adam adamw nadam radam lion lbfgs",
    "schedule": "constant step exponential cosine cosine_log flat_cosine one_cycle reduce_on_plateau warmup",
}
KINDS = list(NUMBERS)
ANY_PART = st.sampled_from(KINDS).flatmap(parts)
NAMES = {
    name: value
    for module in (activations_module, losses_module, optimizers_module, schedules, initializers)
    for name, value in vars(module).items()
    if name in module.__all__
}


def family_of(part: Any) -> Any:
    return next(family for family in FAMILIES.values() if type(part) in family.members.values())


def test_the_specification_covers_every_member_of_every_family() -> None:
    assert set(KINDS) == {member for family in FAMILIES.values() for member in family.members.values()}


@pytest.mark.parametrize("family", FAMILIES)
def test_words_of_each_family(family: str) -> None:
    assert FAMILIES[family].words == WORDS[family].split()
    for word, member in FAMILIES[family].members.items():
        assert member.key == word
        assert FAMILIES[family].of(word) == member()


@given(ANY_PART)
def test_components_go_through_json_unchanged(part: Any) -> None:
    text = json.dumps(part.to_dict(), allow_nan=False)
    back = family_of(part).of(json.loads(text))
    assert back == part
    assert hash(back) == hash(part)
    assert json.dumps(back.to_dict()) == text
    assert type(part).from_dict(json.loads(text)) == part


@given(ANY_PART)
def test_repr_rebuilds_the_component_from_its_changed_values(part: Any) -> None:
    # Two schedules and initializers share the name Constant; each is looked up in its own module.
    own = vars(sys.modules[type(part).__module__])
    assert eval(repr(part), {**NAMES, **own}) == part
    default = type(part)()
    changed = [f.name for f in dataclasses.fields(part) if getattr(part, f.name) != getattr(default, f.name)]
    inside = repr(part).removeprefix(type(part).__name__ + "(").removesuffix(")")
    if not any(dataclasses.is_dataclass(getattr(part, name)) for name in changed):
        assert [item.partition("=")[0] for item in inside.split(", ") if item] == changed


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in NUMBERS[kind]])
def test_numbers_out_of_range_are_refused_with_place_and_value(kind: type, name: str) -> None:
    for wrong in NUMBERS[kind][name].outside():
        with pytest.raises(PlanError) as refusal:
            kind(**{name: wrong})
        assert str(refusal.value).startswith(f"{kind.__name__}.{name}: got {wrong!r}; needs ")


@pytest.mark.parametrize("wrong", ["fast", {"is": 0.1}, True, 1j], ids=repr)
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in NUMBERS[kind]])
def test_numbers_of_another_type_are_refused(kind: type, name: str, wrong: object) -> None:
    with pytest.raises(PlanError, match=rf"{kind.__name__}\.{name}: got .*; needs "):
        kind(**{name: wrong})


@pytest.mark.parametrize("wrong", [1, 0, "yes", None], ids=repr)
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in FLAGS.items() for name in names])
def test_flags_take_only_true_and_false(kind: type, name: str, wrong: object) -> None:
    with pytest.raises(PlanError, match=rf"{kind.__name__}\.{name}: got {wrong!r}; needs True or False"):
        kind(**{name: wrong})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_components_are_frozen(kind: type) -> None:
    part = kind()
    for name in [f.name for f in dataclasses.fields(part)]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, name, 0.5)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_unknown_key_is_refused_by_name(kind: Any) -> None:
    with pytest.raises(PlanError, match=rf"{kind.__name__}: unknown key 'momentun'"):
        kind.from_dict({"kind": kind.key, "momentun": 0.9})


def test_an_unknown_key_gets_the_nearest_right_one() -> None:
    with pytest.raises(PlanError, match="SGD: unknown key 'momentun'; did you mean 'momentum'"):
        cr.SGD.from_dict({"momentun": 0.9})


@pytest.mark.parametrize(
    ("family", "wrong", "near"),
    [
        ("optimizer", "adm", "adam"),
        ("optimizer", "rmspropp", "rmsprop"),
        ("loss", "ce", "cross_entropy"),
        ("activation", "leakyrel", "leaky_relu"),
        ("schedule", "cosin", "cosine"),
        ("initializer", "orthogonl", "orthogonal"),
    ],
)
def test_an_unknown_word_gets_a_suggestion_and_the_choices(family: str, wrong: str, near: str) -> None:
    with pytest.raises(PlanError) as refusal:
        FAMILIES[family].of(wrong)
    assert str(refusal.value) == (
        f"{family}: got {wrong!r}; did you mean {near!r}? Choose one of {', '.join(WORDS[family].split())}"
    )


@pytest.mark.parametrize("wrong", [None, 3, ["adam"], {}, {"kind": 5}, cr.Relu, cr.Relu()], ids=repr)
def test_a_value_that_is_not_a_word_is_refused(wrong: object) -> None:
    with pytest.raises(PlanError, match=r"optimizer: got .*; needs a word; choose one of sgd, "):
        OPTIMIZERS.of(wrong)


def test_a_class_is_not_one_of_its_kind() -> None:
    with pytest.raises(PlanError, match=r"optimizer: got the class AdamW; give AdamW\(\), or 'adamw'"):
        OPTIMIZERS.of(cr.AdamW)


def test_a_whole_number_gives_the_same_component_as_the_float() -> None:
    assert cr.Huber(2) == cr.Huber(2.0)
    assert hash(cr.Huber(2)) == hash(cr.Huber(2.0))
    assert isinstance(cr.Huber(2).delta, float)


@given(ANY_PART, ANY_PART)
def test_components_are_equal_if_kind_and_numbers_are(one: Any, other: Any) -> None:
    same = type(one) is type(other) and one.to_dict() == other.to_dict()
    assert (one == other) is same
    if same:
        assert hash(one) == hash(other)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        # Published defaults of each rule (the papers named in the docstrings; Keras and PyTorch agree on them).
        (cr.SGD(), {"learning_rate": 0.01, "momentum": 0.0, "dampening": 0.0, "nesterov": False}),
        (cr.Adadelta(), {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6}),
        (cr.RMSprop(), {"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8, "momentum": 0.0, "centered": False}),
        (cr.Adam(), {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "amsgrad": False}),
        (cr.AdamW(), {"learning_rate": 1e-3, "weight_decay": 0.01, "decoupled": True}),
        (cr.NAdam(), {"learning_rate": 2e-3, "momentum_decay": 4e-3}),
        (cr.RAdam(), {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999}),
        (cr.LBFGS(), {"learning_rate": 1.0, "history": 10}),
        (cr.Lion(), {"learning_rate": 1e-4, "beta1": 0.9, "beta2": 0.99}),
        (cr.Adagrad(), {"learning_rate": 0.01, "epsilon": 1e-10, "learning_rate_decay": 0.0}),
        (cr.LeakyRelu(), {"slope": 0.01}),
        (cr.Elu(), {"alpha": 1.0}),
        (cr.Huber(), {"delta": 1.0}),
        (cr.CrossEntropy(), {"label_smoothing": 0.0}),
        (cr.Quantile(), {"quantile": 0.5}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_defaults(part: Any, expected: dict[str, object]) -> None:
    data = part.to_dict()
    assert {name: data[name] for name in expected} == expected


@pytest.mark.parametrize("arguments", [{}, {"momentum": 0.9, "dampening": 0.1}], ids=repr)
def test_nesterov_needs_momentum_and_no_dampening(arguments: dict[str, float]) -> None:
    with pytest.raises(PlanError, match=r"SGD\.nesterov: needs momentum above 0 and dampening 0"):
        cr.SGD(nesterov=True, **arguments)
    assert cr.SGD(nesterov=True, momentum=0.9).nesterov


def test_adamw_decay_cannot_be_coupled() -> None:
    with pytest.raises(PlanError, match=r"AdamW\.decoupled: got False; .*use Adam"):
        cr.AdamW(decoupled=False)
