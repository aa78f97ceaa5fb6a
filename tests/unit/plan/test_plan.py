from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.errors import PlanError
from creche.plan import LOSSES, Network, schedules
from creche.plan.arguments import NUMBER_SCHEDULES
from tests.unit.plan.spec import NUMBERS, parts

NETWORK = Network.of(4, [5, 5], 3)
FOR_CLASSES = {"cross_entropy", "binary_cross_entropy", "squared_error"}
FOR_NUMBERS = {"squared_error", "absolute_error", "huber", "poisson", "quantile"}


def of_family(base: type) -> list[type]:
    return [kind for kind in NUMBERS if issubclass(kind, base)]


@st.composite
def plans(draw: st.DrawFn) -> cr.Plan:
    from creche.plan.losses import Loss
    from creche.plan.optimizers import Optimizer
    from creche.plan.schedules import Schedule

    loss = draw(st.sampled_from(of_family(Loss)).flatmap(parts))
    watched = st.sampled_from(["loss", "log_loss", "auc"])
    not_following_loss = st.sampled_from(
        [k for k in of_family(Schedule) if k.key not in ("reduce_on_plateau", "warmup")]
    )
    return cr.Plan(
        NETWORK,
        "classification" if loss.key in FOR_CLASSES else "regression",
        loss,
        draw(st.sampled_from([kind for kind in of_family(Optimizer) if not kind.takes_all_rows]).flatmap(parts)),
        draw(st.sampled_from(of_family(Schedule)).flatmap(parts)),
        draw(st.integers(1, 2**31 - 1)),
        draw(st.integers(0, 2**31 - 1)),
        draw(st.integers(0, 2**63)),
        draw(st.booleans()),
        draw(st.none() | st.builds(cr.EarlyStopping, st.none() | st.integers(1, 10**6), st.floats(0, 1e6), watched)),
        draw(st.sampled_from(["float32", "float64"])),
        draw(st.sampled_from(["best", "last"])),
        draw(st.booleans()),
        **{name: draw(not_following_loss.flatmap(parts)) for name in NUMBER_SCHEDULES},
    )


@given(plans())
def test_plans_go_through_json_unchanged(plan: cr.Plan) -> None:
    back = cr.Plan.from_json(plan.to_json())
    assert back == plan
    assert hash(back) == hash(plan)
    assert back.to_json() == plan.to_json()
    assert "\n" not in plan.to_json()


def test_a_missing_key_takes_its_default() -> None:
    assert cr.Plan.from_dict({"network": NETWORK.to_dict()}) == cr.Plan(NETWORK)


def test_words_are_taken_for_components() -> None:
    assert cr.Plan(NETWORK, loss="squared_error", optimizer="lion", schedule="cosine") == cr.Plan(
        NETWORK, loss=cr.SquaredError(), optimizer=cr.Lion(), schedule=schedules.Cosine()
    )


def test_repr_shows_only_values_that_are_not_default() -> None:
    assert repr(cr.Plan(NETWORK)) == f"Plan(network={NETWORK!r})"
    shown = repr(cr.Plan(NETWORK, epochs=7, optimizer=cr.Adam(learning_rate=0.1)))
    assert shown == f"Plan(network={NETWORK!r}, optimizer=Adam(learning_rate=0.1), epochs=7)"


def test_plans_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        cr.Plan(NETWORK).epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("batch_size", 0), ("batch_size", 2.0), ("batch_size", 2**31), ("batch_size", True), ("batch_size", "32"),
        ("epochs", -1), ("epochs", 1.5), ("epochs", None), ("seed", -1), ("seed", 2**64), ("seed", 0.5),
    ],
)  # fmt: skip
def test_an_invalid_value_is_refused_with_its_place(name: str, wrong: object) -> None:
    with pytest.raises(PlanError) as refusal:
        cr.Plan(NETWORK, **{name: wrong})  # type: ignore[arg-type]
    assert str(refusal.value).startswith(f"Plan.{name}: got {wrong!r}; needs ")
    assert refusal.value.argument == name


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("task", "numbers", "did you mean 'regression'? Choose one of classification, regression, multilabel"),
        ("task", None, "choose one of classification, regression, multilabel"),
        ("precision", "float16", "did you mean 'float32'? Choose one of float32, float64, tf32, bfloat16"),
        ("precision", [], "choose one of float32, float64, tf32, bfloat16"),
    ],
)
def test_an_unknown_word_is_refused(name: str, wrong: object, message: str) -> None:
    with pytest.raises(PlanError) as refusal:
        cr.Plan(NETWORK, **{name: wrong})  # type: ignore[arg-type]
    assert str(refusal.value) == f"{name}: got {wrong!r}; {message}"
    assert refusal.value.argument == name


def test_words_are_taken_in_any_case() -> None:
    plan = cr.Plan(NETWORK, "Classification", "CrossEntropy", "AdamW", "OneCycle", precision="Float64")  # type: ignore[arg-type]
    assert plan == cr.Plan(NETWORK, "classification", "cross_entropy", "adamw", "one_cycle", precision="float64")  # type: ignore[arg-type]


@pytest.mark.parametrize("network", [None, "4-5-3", 3], ids=repr)
def test_a_plan_needs_a_network(network: Any) -> None:
    with pytest.raises(PlanError, match=r"Plan\.network: got .*; needs a Network"):
        cr.Plan(network)


@pytest.mark.parametrize("word", LOSSES.words)
@pytest.mark.parametrize(("task", "fitting"), [("classification", FOR_CLASSES), ("regression", FOR_NUMBERS)])
def test_a_loss_must_fit_the_task(word: str, task: str, fitting: set[str]) -> None:
    if word in fitting:
        assert cr.Plan(NETWORK, task, word).loss.key == word  # type: ignore[arg-type]
        return
    with pytest.raises(PlanError) as refusal:
        cr.Plan(NETWORK, task, word)  # type: ignore[arg-type]
    message = str(refusal.value)
    beginning = f"loss: {word!r} is not for {task}; choose one of "
    assert message.startswith(beginning)
    assert set(message.removeprefix(beginning).split(", ")) == fitting


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "a plan in JSON: "), ("[1]", "got list; needs an object"), ('"adam"', "got str; needs an object")],
)
def test_text_that_is_not_a_plan_is_refused(text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        cr.Plan.from_json(text)


def test_unknown_keys_anywhere_in_a_plan_are_refused() -> None:
    plan = cr.Plan(NETWORK, schedule=schedules.Cosine(), early_stopping=cr.EarlyStopping()).to_dict()
    for path, where in [
        ((), "Plan"), (("network",), "Network"), (("network", "layers", 0), "Layer"),
        (("network", "layers", 0, "activation"), "Tanh"), (("network", "layers", 0, "initializer"), "GlorotUniform"),
        (("loss",), "CrossEntropy"), (("optimizer",), "Adam"), (("schedule",), "Cosine"),
        (("early_stopping",), "EarlyStopping"),
    ]:  # fmt: skip
        data = json.loads(json.dumps(plan))
        inner = data
        for key in path:
            inner = inner[key]
        inner["colour"] = "red"
        with pytest.raises(PlanError, match=f"^{where}: unknown key 'colour'; "):
            cr.Plan.from_dict(data)


@pytest.mark.parametrize(("rows", "steps"), [(1, 1), (19, 1), (20, 1), (21, 2), (957, 48)])
def test_steps_of_an_epoch(rows: int, steps: int) -> None:
    assert cr.Plan(NETWORK, batch_size=20).steps_per_epoch(rows) == steps


def test_a_resolved_plan_has_the_length_of_its_schedule() -> None:
    plan = cr.Plan(NETWORK, schedule=schedules.OneCycle(), batch_size=20, epochs=50)
    assert plan.resolved(957).schedule == schedules.OneCycle(50 * 48)
    assert plan.resolved(957).resolved(10) == plan.resolved(957)


@pytest.mark.parametrize(("rows", "steps"), [(1, 1), (19, 1), (20, 1), (21, 1), (39, 1), (40, 2), (957, 47)])
def test_steps_of_an_epoch_without_its_last_short_batch(rows: int, steps: int) -> None:
    assert cr.Plan(NETWORK, batch_size=20, drop_last=True).steps_per_epoch(rows) == steps


@pytest.mark.parametrize("name", NUMBER_SCHEDULES)
def test_other_numbers_have_schedules_too(name: str) -> None:
    plan = cr.Plan(NETWORK, batch_size=20, epochs=50, **{name: "flat_cosine"})
    assert getattr(plan, name) == schedules.FlatCosine()
    assert getattr(plan.resolved(957), name) == schedules.FlatCosine(50 * 48)
    assert getattr(cr.Plan.from_json(plan.to_json()), name) == schedules.FlatCosine()
    older = {key: value for key, value in plan.to_dict().items() if key != name}
    assert getattr(cr.Plan.from_dict(older), name) == schedules.Constant()
    with pytest.raises(PlanError, match=f"^{name}: got 'flat'; ") as refusal:
        cr.Plan(NETWORK, **{name: "flat"})
    assert refusal.value.argument == name
    for following in (schedules.ReduceOnPlateau(), schedules.Warmup(3, then="reduce_on_plateau")):  # type: ignore[arg-type]
        with pytest.raises(PlanError, match=rf"^{name}: got .*, which follows the loss") as refusal:
            cr.Plan(NETWORK, **{name: following})
        assert refusal.value.argument == name


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None), (False, None), (True, cr.EarlyStopping()), (7, cr.EarlyStopping(7)),
        ({"patience": 7, "min_delta": 0.1}, cr.EarlyStopping(7, 0.1)), (cr.EarlyStopping(3), cr.EarlyStopping(3)),
    ],
)  # fmt: skip
def test_early_stopping_is_made_from_bools_numbers_and_dicts(choice: object, expected: object) -> None:
    assert cr.EarlyStopping.of(choice) == expected
    assert cr.Plan(NETWORK, early_stopping=choice).early_stopping == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "ten"], ids=repr)
def test_an_invalid_patience_is_refused(wrong: object) -> None:
    with pytest.raises(PlanError, match=r"EarlyStopping\.patience: got .*; needs a whole number of at least 1"):
        cr.EarlyStopping.of(wrong)


def test_the_largest_seed_is_accepted() -> None:
    assert cr.Plan(NETWORK, seed=2**64 - 1).seed == 2**64 - 1
