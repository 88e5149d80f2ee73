from aeexplorer.ui.widgets import heading

heading("runs", "")
