"""``creche report``: a report on a model as one page, and a model card."""

from __future__ import annotations

from pathlib import Path

from creche._system.output_files import Output
from creche.cli.model_command import SAMPLE_WEIGHT, ModelCommand, model_command
from creche.cli.options import DROP_UNLABELLED, FILES, THREADS, Option

__all__ = ["report"]

PAGE = "report.html"


@model_command(
    DROP_UNLABELLED,
    Option(
        "output", Path, FILES, "Write the report to this HTML file.", PAGE, "--output -o",
        file=Output("page", ".html", default=PAGE),
    ),
    Option("card", Path, FILES, "Write a model card in Markdown to this file.", file=Output("model card", ".md")),
    Option("for_hub", bool, FILES, "Begin the model card with the YAML that the Hugging Face Hub reads."),
    Option("intended_use", str, FILES, "Intended use of the model; without it, the report has a blank to fill in."),
    Option("title", str, FILES, "Title of the report.", "the model's name and the label"),
    SAMPLE_WEIGHT,
    THREADS,
)  # fmt: skip
def report(command: ModelCommand) -> None:
    """Write a report on a model: its data, training, metrics, errors, feature importance and limitations.

    MODEL is a file written by 'creche fit -o' or 'creche train -o'; TABLE holds the label. If TABLE is the table the
    model was trained on, the model is evaluated on the rows held out from it. The report is one file that needs no
    network connection. For example:

    creche report penguins.creche penguins.csv -o report.html

    creche report credit.creche later.csv --card card.md --intended-use "Reading order"
    """
    from creche.cli.drawing import import_matplotlib

    import_matplotlib()
    from creche.report.report import report as write_report

    options = dict(command.options)
    page = options.pop("output", Path(PAGE))
    with command.show_activity("writing the report"):
        write_report(
            command.model_path, command.table, page, read_options=command.read_options,
            missing_label=command.missing_label, threads=command.threads, **options,
        )  # fmt: skip
    print(page)
    if "card" in options:
        print(options["card"])
