from aeexplorer.ui.widgets import heading

heading("train", "")
