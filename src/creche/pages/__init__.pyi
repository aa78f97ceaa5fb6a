"""How a result shows itself: type checkers and the package itself read the names here."""

from creche.pages.display import result_html as result_html
from creche.pages.display import result_text as result_text
from creche.pages.progress import show_progress as show_progress

__all__: list[str]
