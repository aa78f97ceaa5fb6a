"""What the page of a traced step looks like, on light and dark screens."""

__all__ = ["STYLE"]

# Blue and orange of Okabe & Ito, which those who cannot tell red from green can tell.
STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --quiet: #57606a; --line: #d0d7de; --up: #56b4e9;
  --down: #e69f00; --strength: 0.6; }
@media (prefers-color-scheme: dark) { :root { --ground: #16181d; --ink: #e6e6e6; --quiet: #9aa4af; --line: #363b44;
  --up: #0072b2; --down: #b35c00; --strength: 0.75; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 2rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
p { max-width: 46rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.5rem; margin: 1rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.scrolling { overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.75rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 600; }
.left { text-align: left; }
th:first-child, td:first-child { padding-left: 0; }
.sum > td { border-top: 2px solid var(--ink); }
.up { background: color-mix(in srgb, var(--up) calc(var(--share) * var(--strength)), transparent); }
.down { background: color-mix(in srgb, var(--down) calc(var(--share) * var(--strength)), transparent); }
summary { cursor: pointer; padding: 0.25rem 0; }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { padding-bottom: 0.5rem; } }
@media print { details { break-inside: avoid; } }
"""
