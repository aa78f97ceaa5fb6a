"""What an optimizer keeps of each weight from step to step, by name."""

from __future__ import annotations

from creche.plan.optimizers import SGD, Adadelta, Adagrad, Adam, AdamW, Lion, NAdam, Optimizer, RAdam, RMSprop

__all__ = ["plane_names"]


def plane_names(optimizer: Optimizer) -> tuple[str, ...]:
    """The names of an optimizer's state planes, in the engine's order; the rules are in core/optimizers.

    Examples
    --------
    >>> from creche import SGD, Adam
    >>> plane_names(Adam()), plane_names(SGD())
    (('momentum', 'second_moment'), ())

    """
    match optimizer:
        case SGD():
            return ("momentum",) if optimizer.momentum else ()
        case Adagrad():
            return ("sum_of_squares",)
        case Adadelta():
            return ("second_moment", "second_moment_of_steps")
        case RMSprop():
            mean = ("mean",) if optimizer.centered else ()
            return ("second_moment", *mean, *(("momentum",) if optimizer.momentum else ()))
        case Adam() | AdamW():
            return ("momentum", "second_moment", *(("greatest_second_moment",) if optimizer.amsgrad else ()))
        case NAdam() | RAdam():
            return ("momentum", "second_moment")
        case Lion():
            return ("momentum",)
    raise AssertionError(f"no names for what {optimizer!r} keeps")
