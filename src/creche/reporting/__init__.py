"""The report: a model and how good it is, as one page of HTML and as a model card."""
