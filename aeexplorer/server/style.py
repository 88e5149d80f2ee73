"""What Streamlit's theme cannot say: spacing, panels and rows of pictures."""

from __future__ import annotations

from aeexplorer.plots import Theme

STYLE = """
html [data-testid="stMainBlockContainer"] { padding: 1.6rem 2rem 1rem; max-width: 1500px; }
@media (min-width: 769px) {
  html [data-testid="stAppViewContainer"]:not(:has([data-testid="stSidebar"])) { padding-left: 216px; }
}
[data-testid="stSidebarHeader"]::before { content: "aeexplorer"; font-weight: 700; font-size: 1.15rem; }
[data-testid="stSidebarNavLink"][aria-current="page"] { background: var(--ae-accent); }
[data-testid="stSidebarNavLink"][aria-current="page"] span { color: var(--ae-panel); }
[data-testid="stMain"] h1 { padding-top: 0.4rem; }
.ae-lead { color: var(--ae-secondary); margin: -0.6rem 0 0.4rem; max-width: 100ch; }
[data-testid="stMetricValue"] { font-size: 1.5rem; }
[data-testid="stCaptionContainer"] { color: var(--ae-secondary); opacity: 1; }
.st-key-foot { border-top: 1px solid var(--ae-hairline); padding-top: 0.8rem; }
[class*="st-key-door-"] { background: var(--ae-panel); padding: 0.6rem 0.9rem; }
[class*="st-key-door-"] [data-testid="stPageLink-NavLink"] { padding: 0; }
[class*="st-key-door-"] [data-testid="stPageLink-NavLink"] * { white-space: normal; line-height: 1.3; }
[class*="st-key-door-"] [data-testid="stPageLink-NavLink"]:hover { background: none; text-decoration: underline; }
.st-key-bench { min-height: 590px; }
.st-key-plane:not(:has(.live-pad)), .st-key-plane .live-pad[data-frames="0"] { min-height: min(660px, 82vh); }
.st-key-runs-none { max-height: 94px; }
.st-key-score { min-height: 625px; }
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
[data-testid="stButtonGroup"] [aria-checked="true"] p { color: var(--ae-ink); }
.ae-figures { display: flex; flex-wrap: wrap; gap: 2px 28px; min-height: 2.9rem; }
.ae-figures span { display: block; font-size: 0.8rem; color: var(--ae-secondary); }
.ae-figures b { font-size: 1.05rem; font-variant-numeric: tabular-nums; }
.ae-run b, .ae-run span { display: block; overflow-wrap: anywhere; }
.ae-run span { font-size: 0.88rem; color: var(--ae-secondary); }
[class*="st-key-card-"] { padding: 7px 12px; min-width: 0; }
:is(.live-panel:has(> .live-line-of-controls > .live-button:only-child), :is(.st-key-draws, .st-key-patch) .live-panel) { display: grid; grid-template-columns: max-content minmax(0, 1fr);
  gap: 0 18px; align-items: center; }
:is(.live-panel:has(> .live-line-of-controls > .live-button:only-child), :is(.st-key-draws, .st-key-patch) .live-panel) > :is(.live-said, .live-views, .live-body) { grid-column: 1 / -1; }
:is(.st-key-walk, .st-key-draws, .st-key-traverse, .st-key-patch):not(:has(.live-panel)), :is(.st-key-walk, .st-key-draws, .st-key-traverse, .st-key-patch) :is(.live-wait, .live-panel[data-frames="0"]) { min-height: 540px; }
:is(.st-key-dials, .st-key-attributes):not(:has(.live-panel)), :is(.st-key-dials, .st-key-attributes) :is(.live-wait, .live-panel[data-frames="0"]) { min-height: 470px; }
.st-key-manifold:not(:has(.live-panel)), .st-key-manifold :is(.live-wait, .live-panel[data-frames="0"]) { min-height: 640px; }
.st-key-beta:not(:has(.live-panel)), .st-key-beta :is(.live-wait, .live-panel[data-frames="0"]) { min-height: 690px; }
.st-key-beta .live-cells { --live-tile: 76px !important; gap: 5px 8px; }
.st-key-beta .live-rows { gap: 5px 16px; }
.st-key-beta .live-card { padding: 8px 14px; }
.st-key-beta .live-views { margin-bottom: 10px; }
.st-key-beta .live-numbers { margin-top: 4px !important; padding-top: 4px; }
.live-panel[data-frames="0"] { align-content: start; }
.st-key-walk-map .live-pad, .st-key-beside-manifold .live-pad { grid-template-columns: minmax(0, 1fr); }
.st-key-walk-map .live-neighbours, .st-key-beside-manifold .live-neighbours { display: none; }
:is(.st-key-walk-map, .st-key-beside-manifold) .live-decoded { display: grid; grid-template-columns: 96px 1fr; gap: 14px; }
.st-key-walk-map .live-plane { aspect-ratio: 1.25; }
.st-key-walk-map :is(.live-pad, .live-beside) { gap: 10px; }
.st-key-walk-map .live-decoded { grid-template-columns: 72px 1fr; padding: 8px 12px; }
.st-key-walk-map .live-facts { padding-top: 0; gap: 0; font-size: 0.88rem; }
.st-key-walk-map .live-guest .live-card { padding: 8px 12px; }
.st-key-patch .live-sliders { grid-template-columns: 1fr 1fr; gap: 0 28px; }
.st-key-dials .live-panel { display: grid; grid-template-columns: minmax(0, 1fr) minmax(300px, 34%); gap: 16px 28px; }
.st-key-dials .live-slider { grid-template-columns: 7.5rem minmax(0, 1fr); }
.st-key-dials .live-named { grid-template-columns: minmax(0, 1fr); gap: 4px; }
.st-key-dials .live-row-label { text-align: left; max-width: none; font-size: 0.85rem; color: var(--ae-secondary); }
.st-key-dials .live-body { grid-column: 2; grid-row: 1 / span 2; }
.st-key-manifold .live-cells { gap: 1px; grid-template-columns: repeat(var(--live-columns), minmax(0, var(--live-tile))); }
.st-key-manifold .live-tile { border: 0; border-radius: 0; }
:is([class*="st-key-run_box_"], [class*="st-key-map-"][class*="-colour"]) { min-height: 4.25rem; }
[class*="st-key-map-control-"] { min-height: 68px; justify-content: flex-end; }
[class*="st-key-map-panel-"] :is(.st-key-map-0, .st-key-map-1, .st-key-map-2) { min-height: 472px; }
[class*="st-key-map-three-"] :is(.st-key-map-0, .st-key-map-1, .st-key-map-2) { min-height: 432px; }
[class*="st-key-map-large-"] :is(.st-key-map-0, .st-key-map-1, .st-key-map-2) { min-height: 672px; }
[class*="st-key-map-note-"] { min-height: 7rem; }
[class*="st-key-map-note-"] .ae-figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.6rem, 1fr));
  gap: 0 1.4rem; min-height: 0; }
[class*="st-key-map-note-"] .ae-figures div { display: flex; justify-content: space-between; align-items: baseline; }
@media (max-width: 640px) {
  .st-key-plane:not(:has(.live-pad)), .st-key-plane .live-pad[data-frames="0"] { min-height: calc(72vw + 386px); }
  .st-key-runs-none { max-height: 119px; }
  .st-key-data-view { min-height: 655px; }
  [class*="st-key-choose-"] { min-height: 180px; }
  [class*="st-key-strip-"]:has(> :nth-child(8)) { min-height: 208px; }
  .st-key-plane .live-wait { max-height: none; aspect-ratio: auto; min-height: calc(72vw + 386px); }
  html [data-testid="stMainBlockContainer"] { padding: 3.4rem 0.8rem 3rem; }
  .st-key-map-controls { min-height: 320px; }
  .ae-rows { grid-template-columns: 1fr !important; }
  .ae-label { text-align: left; max-width: none; }
  .live-panel:has(> .live-line-of-controls), .st-key-patch .live-sliders { display: block !important; }
  :is(.st-key-walk, .st-key-draws, .st-key-traverse, .st-key-attributes) .live-sliders { position: sticky; top: 3.75rem; z-index: 2;
    background: var(--st-background-color, var(--ae-panel)); }
  .st-key-beta .live-panel { display: flex !important; flex-direction: column; align-items: stretch; }
  .st-key-beta .live-sliders { position: sticky; top: 3.75rem; z-index: 2; background: var(--st-background-color, var(--ae-panel)); }
  .st-key-beta .live-views { order: 1; margin-top: 10px; }
  .st-key-beta .live-ticks span:nth-child(even):not(:last-child) { display: none; }
  .st-key-walk .live-ticks span:is(:first-child, :last-child) { display: none; }
  .st-key-walk .live-many { font-size: 11px; }
  .st-key-draws .live-cells { --live-columns: 6 !important; }
  .st-key-dials .live-panel { display: flex; flex-direction: column; }
  .st-key-dials .live-body { order: -1; position: sticky; top: 3.75rem; z-index: 2; }
  .st-key-dials .live-cells { --live-tile: 110px !important; }
}
"""
"""The rules for every theme. A page has them from the start, so that nothing moves when the first script has run."""

_COLOURS = ("ink", "secondary", "hairline", "panel", "accent", "mark")


def style(theme: Theme, large: bool = False) -> str:
    """The style sheet in the colours of a theme; they are also there as variables, e.g. `var(--ae-accent)`.

    Args:
        large: everything a quarter larger, to be read from the back row.
    """
    colours = " ".join(f"--ae-{name}: {getattr(theme, name)};" for name in _COLOURS)
    size = "html { font-size: 125%; }\n" if large else ""
    return f"<style>\n:root {{ {colours} }}\n{size}{STYLE}</style>"
