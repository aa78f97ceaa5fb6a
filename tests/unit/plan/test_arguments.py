"""The table of arguments is the one list of them: signatures, fields and options are held to it, and others derive."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import creche as cr
from creche.plan.arguments import (
    ARGUMENTS,
    DEFAULTS,
    OF_NETWORK,
    OPTIMIZER_FIELDS,
    PER_LAYER,
    REQUIRED,
    SWEEPABLE,
    arguments_in,
    reject_unknown,
)
from creche.plan.network import Layer
from creche.plan.optimizers import OPTIMIZERS

SOURCE = Path(cr.__file__).parent
TRAIN = {name: argument for name, argument in ARGUMENTS.items() if argument.group != "optimizer"}


def imported(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)


def test_the_signature_of_train_is_that_of_the_table() -> None:
    parameters = inspect.signature(cr.train).parameters
    defaults = {name: REQUIRED if p.default is p.empty else p.default for name, p in parameters.items()}
    assert defaults == {name: argument.default for name, argument in TRAIN.items()}


def test_train_documents_each_argument() -> None:
    text = (cr.train.__doc__ or "").partition("Parameters\n")[2].partition("Returns\n")[0]
    documented = [name for line in re.findall(r"^    ([\w, ]+) : ", text, re.MULTILINE) for name in line.split(", ")]
    assert documented == list(inspect.signature(cr.train).parameters)


def test_the_bag_of_arguments_has_the_names_and_types_of_the_signature() -> None:
    from creche.training.arguments import TrainArguments

    annotations = {k: v for k, v in inspect.unwrap(cr.train).__annotations__.items() if k != "return"}
    assert TrainArguments.__annotations__ == annotations
    assert [field.name for field in fields(TrainArguments)] == list(annotations)


def test_a_sweep_takes_the_fields_of_the_optimizer_too() -> None:
    from creche.model_selection.jobs import SweepArguments
    from creche.training.arguments import TrainArguments

    own = [field.name for field in fields(SweepArguments)][len(fields(TrainArguments)) :]
    assert tuple(own) == OPTIMIZER_FIELDS
    known = {field.name for optimizer in OPTIMIZERS.members.values() for field in fields(optimizer)}
    assert set(OPTIMIZER_FIELDS) <= known


@pytest.mark.parametrize("function", [cr.sweep, cr.cross_validate, cr.find_learning_rate, cr.sweep_with_optuna])
def test_others_that_train_have_the_defaults_of_the_table(function: Any) -> None:
    for name, parameter in inspect.signature(function).parameters.items():
        if name in DEFAULTS and parameter.kind is not parameter.VAR_KEYWORD:
            assert parameter.default == DEFAULTS[name], name


@pytest.mark.parametrize("estimator", [cr.DNNClassifier, cr.DNNRegressor])
def test_estimators_have_the_arguments_they_pass_on(estimator: Any) -> None:
    parameters = inspect.signature(estimator).parameters
    for argument in ARGUMENTS.values():
        if argument.estimator:
            assert parameters[argument.name].default == argument.default


def test_arguments_of_each_layer_are_those_of_layers_and_networks() -> None:
    parameters = inspect.signature(cr.Network.of).parameters
    for name in PER_LAYER:
        assert parameters[name].default == ARGUMENTS[name].default
        assert name in {field.name for field in fields(Layer)}
    assert {field.name for field in fields(Layer)} - {"width"} == set(PER_LAYER)


def test_the_engine_gets_each_field_of_a_layer() -> None:
    from creche import _core
    from creche.engine.native import translate

    plan = cr.Plan(cr.Network.of(2, [3], 2, cr.LeakyRelu(0.25), 0.5, "he_normal"))
    layer = translate(_core.load(), plan).layers[0]
    assert (layer.width, layer.activation, layer.activation_parameter, layer.dropout) == (3, "leaky_relu", 0.25, 0.5)
    assert (layer.initializer, layer.initializer_parameter) == ("he_normal", 1.0)


def test_a_plan_file_holds_what_determines_a_run() -> None:
    from creche.training.plan_file import FILE_ARGUMENTS, plan_to_arguments

    assert set(FILE_ARGUMENTS) == set(arguments_in("plan", "preparation"))
    run = cr.train("penguins", label="species", hidden=[3], epochs=1, threads=1)
    assert set(plan_to_arguments(run.plan, run.prepared.preparation)) <= set(FILE_ARGUMENTS)


def test_a_plan_holds_the_arguments_of_its_group() -> None:
    held = {field.name for field in fields(cr.Plan)} | {"hidden", *PER_LAYER, *OF_NETWORK, "learning_rate"}
    short_for_others = {"recipe", "quantiles", "ordered", "number_embedding", "category_embedding"}
    assert set(arguments_in("plan")) == (held | short_for_others) - {"network"}


@pytest.mark.parametrize("name", [name for name in SWEEPABLE if name not in OPTIMIZER_FIELDS])
def test_arguments_of_one_run_cannot_differ_in_a_sweep(name: str) -> None:
    assert ARGUMENTS[name].group in ("plan", "preparation")


@pytest.mark.parametrize(
    ("command", "groups", "sweeps"),
    [
        ("train", ("preparation", "plan", "optimizer", "held_out", "run"), False),
        ("sweep", ("preparation", "plan", "optimizer", "held_out"), True),
        ("find_learning_rate", ("preparation", "plan", "optimizer", "held_out"), False),
    ],
)
def test_the_command_line_has_an_option_for_each_argument_with_one(
    command: str, groups: tuple[Any, ...], sweeps: bool
) -> None:
    parameters = inspect.signature(imported(f"creche.cli.{command}:{command}")).parameters
    for name in arguments_in(*groups):
        declared = ARGUMENTS[name].command
        if declared is None or (command, name) in (
            ("find_learning_rate", "learning_rate"),
            ("find_learning_rate", "keep"),
        ):
            continue
        option = parameters[name].annotation.__metadata__[0]
        flag = option.default  # where Typer keeps the first of an option's names
        assert flag == (declared.flag or f"--{name.replace('_', '-')}")
        assert option.rich_help_panel == declared.panel
        if not (sweeps and name == "hidden"):
            assert option.help == declared.help


def test_options_are_called_as_the_arguments() -> None:
    flags = {argument.name: argument.command.flag for argument in ARGUMENTS.values() if argument.command}
    assert {name: flag for name, flag in flags.items() if flag} == {"schema": "--column", "changes": "--change"}


def test_parsers_and_words_of_options_exist() -> None:
    for argument in ARGUMENTS.values():
        if argument.command is not None and argument.command.parser:
            assert callable(imported(argument.command.parser))
        if argument.command is not None and argument.command.words:
            listed = imported(argument.command.words)
            assert all(isinstance(word, str) for word in getattr(listed, "words", listed))


def test_help_is_a_sentence() -> None:
    for argument in ARGUMENTS.values():
        if argument.command is not None:
            assert re.fullmatch(r"[A-Z].*[.…]", argument.command.help), argument.name
            assert not argument.command.help.startswith("Of "), argument.name


def test_no_other_module_keeps_a_list_of_arguments() -> None:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE).as_posix()
        if place == "plan/arguments.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Tuple | ast.List | ast.Set):
                words = [e.value for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
                if len(words) >= 3 and len(words) == len(node.elts) and set(words) <= set(ARGUMENTS):
                    found.append(f"{place}:{node.lineno}: {words}")
    assert found == []


def test_the_table_needs_no_library_for_the_command_line() -> None:
    tree = ast.parse((SOURCE / "plan" / "arguments.py").read_text())
    imports = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imports |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not [name for name in imports if name and name.split(".")[0] in ("typer", "rich", "click")]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("learning_rates", "learning_rate"), ("lr", "learning_rate"), ("hidden_layer_sizes", "hidden"),
        ("encoding", "preprocessing"), ("reading", "read_options"), ("every", "checkpoint_every"), ("target", "label"),
        ("random_state", "seed"), ("n_jobs", "threads"), ("max_iter", "epochs"), ("n_epochs", "epochs"),
        ("y_column", "label"), ("eval_set", "validation_data"), ("units", "hidden"), ("criterion", "loss"),
    ],
)  # fmt: skip
def test_an_unknown_argument_gets_the_nearest_right_one(wrong: str, right: str) -> None:
    with pytest.raises(cr.PlanError) as refusal:
        cr.train("penguins", label="species", **{wrong: 1})
    assert str(refusal.value).startswith(f"{wrong}: unknown argument of train; did you mean {right!r}? Choose one of ")
    assert refusal.value.argument == wrong
    assert isinstance(refusal.value, TypeError)


@pytest.mark.parametrize(
    ("function", "wrong", "advice"),
    [
        (cr.train, "use_gpu", "device='cuda' trains on a GPU"),
        (cr.sweep, "verbose", "in notebooks and terminals, and on_progress=False switches it off"),
        (cr.train, "features", "all columns but the label are features; schema={'id': 'ignore'} leaves one out"),
        (cr.train, "l2", "it is a field of the optimizer, such as optimizer=creche.Adam(weight_decay=0.01)"),
        (cr.train, "metrics", "early_stopping=creche.EarlyStopping(watch='auc') stops by one"),
        (cr.train, "n_splits", "creche.cross_validate divides the rows into folds"),
        (cr.sweep, "n_splits", "did you mean 'folds'?"),
        (cr.fit, "hidden_layer_sizes", "creche.fit chooses it, and creche.train takes it as hidden; choose one of"),
        (cr.fit, "scoring", "did you mean 'metric'?"),
        (cr.report, "titel", "did you mean 'title'?"),
        (cr.explain.trace, "neurons", "did you mean 'neuron'?"),
    ],
)  # fmt: skip
def test_words_of_other_libraries_get_a_sentence(function: Any, wrong: str, advice: str) -> None:
    with pytest.raises(TypeError) as refusal:
        function("penguins", **{wrong: 1})
    assert f"{wrong}: unknown argument of {function.__name__}; " in str(refusal.value)
    assert advice in str(refusal.value)


@pytest.mark.parametrize("function", [cr.sweep, cr.cross_validate, cr.find_learning_rate, cr.sweep_with_optuna])
def test_others_that_train_answer_an_unknown_argument_likewise(function: Any) -> None:
    with pytest.raises(TypeError, match=r"hidden_layers: unknown argument.* did you mean 'hidden'") as refusal:
        function("penguins", label="species", hidden_layers=[5])
    assert isinstance(refusal.value, cr.PlanError)


def test_a_function_that_rejects_unknown_arguments_keeps_its_signature() -> None:
    def fit(a: int, *, epochs: int = 3) -> int:
        return a + epochs

    checked = reject_unknown(fit)
    assert inspect.signature(checked) == inspect.signature(fit)
    assert checked(1, epochs=4) == 5
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        checked()  # type: ignore[call-arg]
