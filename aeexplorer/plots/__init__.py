"""Figures and mosaics of pictures from arrays, on a transparent ground so that they sit in any panel.

Text that people typed (class names, hover texts, titles) is escaped: plotly reads a part of HTML in it. Every figure
carries its alternative text, plain and not escaped, as `figure.layout.meta["alt"]`.
"""

from aeexplorer.plots.charts import bars, cumulative, dimension_curve, loss_curves, shepard_plot
from aeexplorer.plots.maps import scatter_map, scatter_toy
from aeexplorer.plots.marks import add_path
from aeexplorer.plots.pictures import diverging, tile, to_gif, to_png
from aeexplorer.plots.theme import DARK, LIGHT, Theme
