"""What Streamlit's theme cannot say: spacing, panels and rows of pictures."""

from __future__ import annotations

from aeexplorer.plots import Theme

_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 1.6rem 2rem 1rem; max-width: 1500px; }
[data-testid="stSidebarHeader"]::before { content: "aeexplorer"; font-weight: 700; font-size: 1.15rem; }
[data-testid="stSidebarNavLink"][aria-current="page"] { background: var(--ae-accent); }
[data-testid="stSidebarNavLink"][aria-current="page"] span { color: var(--ae-panel); }
.ae-lead { color: var(--ae-secondary); margin: -0.6rem 0 0.4rem; max-width: 100ch; }
[data-testid="stMetricValue"] { font-size: 1.5rem; }
.st-key-foot { border-top: 1px solid var(--ae-hairline); padding-top: 0.8rem; }
[class*="st-key-door-"] { background: var(--ae-panel); padding: 0.6rem 0.9rem; }
[class*="st-key-door-"] [data-testid="stPageLink-NavLink"] { padding: 0; }
[class*="st-key-door-"] [data-testid="stPageLink-NavLink"] * { white-space: normal; line-height: 1.3; }
[class*="st-key-door-"] [data-testid="stPageLink-NavLink"]:hover { background: none; text-decoration: underline; }
.st-key-bench { min-height: 560px; }
.ae-rows { display: grid; gap: 10px 14px; align-items: center; overflow-x: auto; }
.ae-label { color: var(--ae-secondary); font-size: 0.9rem; text-align: right; max-width: 9rem; }
.ae-tiles { display: grid; gap: 8px; }
.ae-tile { min-width: 0; text-align: center; }
.ae-tile img { display: block; width: 100%; aspect-ratio: var(--ratio, 1); border: 1px solid var(--ae-hairline);
  border-radius: 4px; background: var(--ae-panel); image-rendering: pixelated; }
.ae-tile span { display: block; font-size: 0.8rem; color: var(--ae-secondary); padding-top: 2px;
  overflow-wrap: anywhere; }
[class*="st-key-strip-"] button { height: 86px; padding: 62px 0 2px; min-height: 0; image-rendering: pixelated;
  align-items: flex-end; font-size: 0.8rem; }
[class*="st-key-strip-"] button[kind="primary"] { color: var(--ae-ink); border: 2px solid var(--ae-accent); }
.ae-figures { display: flex; flex-wrap: wrap; gap: 2px 28px; min-height: 2.9rem; }
.ae-figures span { display: block; font-size: 0.8rem; color: var(--ae-secondary); }
.ae-figures b { font-size: 1.05rem; font-variant-numeric: tabular-nums; }
.ae-run b, .ae-run span { display: block; overflow-wrap: anywhere; }
.ae-run span { font-size: 0.88rem; color: var(--ae-secondary); }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding: 3.4rem 0.8rem 3rem; }
  .ae-rows { grid-template-columns: 1fr !important; }
  .ae-label { text-align: left; max-width: none; }
}
</style>"""

_COLOURS = ("ink", "secondary", "hairline", "panel", "accent", "mark")


def style(theme: Theme, large: bool = False) -> str:
    """The style sheet in the colours of a theme; they are also there as variables, e.g. `var(--ae-accent)`.

    Args:
        large: everything a quarter larger, to be read from the back row.
    """
    colours = " ".join(f"--ae-{name}: {getattr(theme, name)};" for name in _COLOURS)
    size = "html { font-size: 125%; }\n" if large else ""
    return _STYLE.replace("<style>", f"<style>\n:root {{ {colours} }}\n{size}", 1)
