from aeexplorer.ui.widgets import heading

heading("latent_map", "")
