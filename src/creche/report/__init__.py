"""The report on a model: one page of HTML, and a model card."""
