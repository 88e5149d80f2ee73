from aeexplorer.ui.widgets import heading

heading("home", "")
