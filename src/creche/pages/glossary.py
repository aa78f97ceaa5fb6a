"""The terms of the pages, explained by topic: what ``creche glossary`` and docs/glossary.md show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from creche.errors import PlanError, closest
from creche.render.document import Section

__all__ = ["ALSO", "GLOSSARY", "describe_glossary", "describe_term", "describe_terms", "glossary_markdown"]

GLOSSARY: Mapping[str, Mapping[str, str]] = {
    "Data": {
        "feature": "A column that the network learns from; x denotes the features of one row.",
        "label": (
            "The column to predict, y; also called target. Classes make the task a classification, numbers a "
            "regression."
        ),
        "training rows": "The rows that the weights are fitted to.",
        "validation rows": (
            "Rows held out from training, on which the network is evaluated and the best epoch is chosen."
        ),
        "test rows": "Rows used neither in training nor in any choice, so that the metrics on them are unbiased.",
        "fold": (
            "One of k parts of the table in cross-validation: each part is held out once, while the network is trained "
            "on the others."
        ),
        "standardize": (
            "To replace a number v by (v - mean) / standard deviation, with the mean and the deviation of its column "
            "in the training rows, so that all inputs have a similar scale."
        ),
        "one-hot": (
            "The encoding of a class or category as a vector with 1 at its position and 0 elsewhere, such as [1, 0, 0]."
        ),
        "leakage": (
            "Information in the training rows that is not available when the model is used, such as a copy of a "
            "validation row, or a column that gives the label away; it makes metrics too optimistic."
        ),
        "outlier": "A value far from all other values of its column.",
    },
    "The network": {
        "neuron": "A unit that computes z = w₁x₁ + w₂x₂ + … + b from its inputs and passes on f(z).",
        "weight": "A number w by which a neuron multiplies one of its inputs; training changes it.",
        "bias": "The number b that a neuron adds to the sum of its weighted inputs.",
        "pre-activation": (
            "z = w₁x₁ + w₂x₂ + … + b, the weighted sum of a neuron's inputs plus its bias, before the activation "
            "function; for an output neuron also called logit."
        ),
        "activation": (
            "The function f of a neuron, such as relu(z) = max(z, 0); also its value f(z). Without it, a network of "
            "many layers could compute no more than a single layer."
        ),
        "hidden layer": "A layer of neurons between the inputs and the outputs.",
        "softmax": (
            "The function that turns the z of the outputs into probabilities: p_k = exp(z_k) / (exp(z_1) + exp(z_2) + "
            "…)."
        ),
        "initializer": (
            "The rule that draws the random weights before training, such as he_uniform: uniformly between -√(6/n) and "
            "√(6/n), for a neuron with n inputs."
        ),
        "seed": (
            "The number that determines all random numbers: the split, the initial weights, the order of rows. The "
            "same seed gives the same network, bit for bit."
        ),
        "dropout": (
            "Setting a share of the activations to 0 at random in each training step, so that no neuron can rely on "
            "any single other one."
        ),
        "layer normalization": (
            "Shifting and scaling the pre-activations of a row so that their mean is 0 and their variance 1, before a "
            "learned gain and shift of each neuron."
        ),
        "batch normalization": (
            "Shifting and scaling the pre-activations of a neuron so that their mean over the rows of a batch is 0 and "
            "their variance 1, before its learned gain and shift. Predictions take the running mean and variance of "
            "the training steps."
        ),
        "parametric activation": (
            "The activation z + α (f(z) - z), in which each neuron learns its slope α: 1 for f itself, 0 for a line."
        ),
        "residual": "Adding the inputs of a layer to its outputs, so that the layer learns only what to change.",
        "dead neuron": (
            "A neuron whose activation is 0 in every row: it passes nothing on, and its weights get no gradient."
        ),
    },
    "Training": {
        "forward pass": "The computation from the inputs through all layers to the prediction.",
        "loss": "The number that measures how wrong the predictions are; training minimizes it.",
        "squared error": "The loss (p₁ - y₁)² + (p₂ - y₂)² + …, divided by the number of outputs.",
        "cross-entropy": (
            "The loss -log p, where p is the predicted probability of the true class; its mean over rows is also "
            "called log loss."
        ),
        "gradient": (
            "How much the loss changes for a small change of a weight: dL/dw, the slope of the loss against that "
            "weight. Where it is negative, a larger weight lowers the loss."
        ),
        "backpropagation": (
            "The computation of all gradients in one pass from the outputs back to the inputs, by the chain rule: the "
            "gradient of a neuron is the sum of weight × gradient over the neurons that it leads to, times f'(z)."
        ),
        "batch": "The rows of one training step; the loss of a batch is the mean over its rows.",
        "shard": (
            "One of the parts of a batch whose gradients are summed each for itself, and then added in their order; "
            "processes that train a network together each take some."
        ),
        "step": "One update of all weights: forward pass, loss, backpropagation, and the optimizer's rule.",
        "epoch": "One pass through all training rows, batch by batch.",
        "optimizer": "The rule that turns gradients into changes of the weights.",
        "SGD": "Stochastic gradient descent: w becomes w - η g, with the learning rate η and the gradient g.",
        "ADADELTA": (
            "An optimizer that divides each gradient by the root mean square of the recent ones, and multiplies it by "
            "that of the recent steps; it needs no learning rate (Zeiler 2012)."
        ),
        "Adam": (
            "An optimizer that divides a running mean of each weight's gradients by the root of a running mean of "
            "their squares (Kingma & Ba 2015)."
        ),
        "learning rate": (
            "The number η by which the gradient is multiplied to give the step. If it is too low, the loss hardly "
            "falls; if it is too high, the loss jumps or diverges."
        ),
        "schedule": "A rule by which the learning rate changes during training.",
        "weight decay": (
            "Pulling all weights slightly towards 0 at each step, so that no weight grows large without need; also "
            "called L2 regularization."
        ),
        "diverge": "To end with a loss that is no longer a finite number, usually because the steps were too long.",
        "early stopping": (
            "Ending training when the validation loss has not improved for some epochs, and keeping the weights of "
            "the best one."
        ),
        "overfitting": (
            "Memorizing the training rows: the training loss keeps falling while the validation loss rises."
        ),
        "plan": (
            "All settings that determine a training run: the network, the loss, the optimizer, the epochs, the seed."
        ),
    },
    "Evaluation": {
        "baseline": (
            "A prediction that needs no network: always the most frequent class, the mean, or the same quantiles. A "
            "useful model beats it."
        ),
        "accuracy": "The share of rows whose class is predicted correctly.",
        "balanced accuracy": "The mean recall of the classes, in which a rare class counts as much as a frequent one.",
        "log loss": "The mean over rows of -log p of the true class's probability p; 0 is perfect.",
        "Brier score": (
            "The mean over rows of the sum over classes of (p - y)², where y is 1 for the true class and 0 for the "
            "others; 0 is perfect."
        ),
        "AUC": (
            "The area under the ROC curve: the probability that a row of a class gets a higher probability of it than "
            "a row of another class; 0.5 is chance, 1 is perfect."
        ),
        "precision": "The share of the rows predicted as a class that belong to it.",
        "recall": "The share of the rows of a class that are predicted as it.",
        "F1": "The harmonic mean of precision and recall: 2 × precision × recall / (precision + recall).",
        "calibration": (
            "Whether predicted probabilities match observed frequencies: of the rows predicted with a probability of "
            "0.8, four in five should be correct. The expected calibration error (ECE) is the mean distance between "
            "the two."
        ),
        "weighted kappa": (
            "For ordered classes, 1 - the mean squared distance in classes / what it would be by chance: 1 where all "
            "are right, 0 for chance."
        ),
        "multi-label": "Several labels of yes or no that are predicted together; any number may be yes in a row.",
        "Hamming loss": "The share of wrong answers among all labels of yes or no of all rows.",
        "subset accuracy": "The share of rows for which every label of yes or no is predicted right.",
        "RMSE": "The root of the mean squared error, in the unit of the label.",
        "MAE": "The mean absolute error, in the unit of the label.",
        "quantile": (
            "The q-th quantile of a label is the number that a share q of its values do not exceed; 0.5 is the median."
        ),
        "pinball loss": (
            "The loss of a predicted quantile q: q × (y - prediction) where the label y is above it, (1 - q) × "
            "(prediction - y) where it is below; the true quantile makes its mean smallest."
        ),
        "coverage": (
            "The share of rows whose label is at or below a predicted quantile, or within a predicted interval; for "
            "the quantile 0.9 it should be 90 %."
        ),
        "R²": (
            "The share of the label's variance that the predictions explain: 1 - sum of squared errors / sum of "
            "squared distances from the mean."
        ),
        "residual": "Predicted value minus true value.",
        "confidence interval": (
            "A range computed such that it contains the true value of a metric in 95 of 100 cases. The bootstrap "
            "computes it by drawing rows again and again, with replacement."
        ),
        "confusion matrix": "The number of rows for each pair of true and predicted class.",
        "log-odds": "log(p / (1 - p)) for a probability p: 0 where p is 0.5, and without limits.",
        "temperature": (
            "The number by which logits are divided to calibrate the probabilities: above 1 it makes them less extreme."
        ),
        "conformal interval": (
            "A range, or a set of classes, that contains the true label with a chosen probability, such as 0.9; it "
            "comes from the errors of out-of-fold predictions."
        ),
    },
    "Explanation": {
        "permutation importance": (
            "How much worse a metric becomes when the values of one column are shuffled among the rows."
        ),
        "partial dependence": "The mean prediction as one column changes and all other columns keep their values.",
        "integrated gradients": (
            "The contribution of each value of a row to its prediction: the gradient of the prediction, summed along "
            "the straight line from a baseline row to this row."
        ),
    },
    "Many networks": {
        "sweep": "Training many networks that differ in chosen arguments, and comparing them.",
        "colony": "The networks of a sweep, trained at the same time, several in each instruction of the processor.",
        "cross-validation": (
            "Training k networks, each with another fold held out, so that every row is evaluated once by a network "
            "that was not trained on it."
        ),
        "ensemble": "Several networks whose predictions are averaged.",
        "out-of-fold prediction": "The prediction for a row by a network that was not trained on it.",
    },
}
"""The terms of each topic, with their explanations."""

INTRODUCTION = (
    "The terms of Creche's pages, each in a sentence or two. `creche glossary` lists them, and `creche glossary "
    "softmax` explains one."
)

ALSO: Mapping[str, str] = {
    "backprop": "backpropagation", "coefficient": "weight", "ece": "calibration", "example": "feature",
    "gradient descent": "SGD", "l2": "weight decay", "l2 regularization": "weight decay", "logit": "pre-activation",
    "lr": "learning rate", "mse": "squared error", "nll": "cross-entropy", "weighted sum": "pre-activation",
    "relu": "activation", "roc": "AUC", "target": "label", "brier": "Brier score", "stochastic gradient descent": "SGD",
}  # fmt: skip
"""Other names of the terms."""


def describe_glossary() -> list[Section]:
    """Return a section with the terms of each topic."""
    return [Section(topic, [", ".join(terms)]) for topic, terms in GLOSSARY.items()]


def describe_term(term: str) -> Section:
    """Return the explanation of a term.

    Raises
    ------
    PlanError
        If there is no such term; the message suggests the nearest.

    Examples
    --------
    >>> describe_term("Batch").blocks
    ('The rows of one training step; the loss of a batch is the mean over its rows.',)

    """
    typed = term.strip().lower().replace("_", " ")
    terms = {name: text for topic in GLOSSARY.values() for name, text in topic.items()}
    by_word = {name.lower(): name for name in terms} | {name.lower().replace("-", " "): name for name in terms}
    by_word |= ALSO
    spellings = (typed, typed.replace("-", " "), typed.removesuffix("s"), typed.removesuffix("es"))
    name = next((by_word[spelling] for spelling in spellings if spelling in by_word), None)
    if name is None:
        close = closest(typed, by_word)
        hint = "" if close is None else f"did you mean {by_word[close]!r}? "
        raise PlanError(f"{term}: is not in the glossary; {hint}'creche glossary' lists the terms", argument="term")
    return Section(name, (terms[name],))


def describe_terms(terms: str) -> list[Section]:
    """Return the explanations of terms that commas separate."""
    return [describe_term(term) for term in terms.split(",") if term.strip()]


def glossary_markdown() -> str:
    """Return the glossary as the page of the documentation."""
    parts: Sequence[str] = [
        f"## {topic}\n\n" + "\n\n".join(f"**{name}**: {text}" for name, text in terms.items())
        for topic, terms in GLOSSARY.items()
    ]
    return "\n\n".join(["# Glossary", INTRODUCTION, *parts]) + "\n"
