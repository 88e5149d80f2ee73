"""What Streamlit's theme cannot say: spacing, panels and rows of pictures."""

from __future__ import annotations

STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 2.2rem 2rem 3rem; max-width: 1500px; }
[data-testid="stSidebarHeader"]::before { content: "aeexplorer"; font-weight: 700; font-size: 1.15rem; }
[data-testid="stSidebarNavLink"][aria-current="page"] { background: var(--st-primary-color); }
[data-testid="stSidebarNavLink"][aria-current="page"] span { color: #fff; }
.ae-lead { color: var(--st-gray-text-color); margin: -0.6rem 0 0.4rem; max-width: 70ch; }
.ae-rows { display: grid; gap: 10px 14px; align-items: center; overflow-x: auto; }
.ae-label { color: var(--st-gray-text-color); font-size: 0.9rem; text-align: right; max-width: 9rem; }
.ae-tiles { display: grid; gap: 8px; }
.ae-tile { min-width: 0; text-align: center; }
.ae-tile img, .ae-tile svg { display: block; width: 100%; aspect-ratio: var(--ratio, 1); border: 1px solid var(--st-border-color);
  border-radius: 4px; background: var(--st-secondary-background-color); image-rendering: pixelated; }
.ae-tile span { display: block; font-size: 0.8rem; color: var(--st-gray-text-color); padding-top: 2px;
  overflow-wrap: anywhere; }
.ae-tile polyline { fill: none; stroke: var(--st-primary-color); stroke-width: 1.6; vector-effect: non-scaling-stroke; }
.ae-tile rect, .ae-tile circle { fill: var(--st-primary-color); }
[class*="st-key-strip-"] button { height: 86px; padding: 62px 0 2px; min-height: 0; image-rendering: pixelated;
  align-items: flex-end; font-size: 0.8rem; }
[class*="st-key-strip-"] button[kind="primary"] { color: var(--st-text-color); border: 2px solid var(--st-primary-color); }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding: 3.4rem 0.8rem 3rem; }
  .ae-rows { grid-template-columns: 1fr !important; }
  .ae-label { text-align: left; max-width: none; }
}
</style>"""
