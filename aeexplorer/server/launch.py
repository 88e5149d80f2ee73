"""Opens the app from the command line."""

from __future__ import annotations

from collections.abc import Sequence

from aeexplorer.program_files import APP


def open_app(port: int | None = None, address: str | None = None, options: Sequence[str] = ()) -> int:
    """Run the server until it is stopped; the same as `streamlit run app.py`, from any folder and from a wheel.

    Args:
        port: 8501 if None, or the next free one.
        address: this computer only if None.
        options: further options of `streamlit run`, such as "--server.baseUrlPath=lab".

    Returns:
        The exit status of the process.
    """
    from streamlit.web.cli import main

    named = [f"--server.{name}={value}" for name, value in (("port", port), ("address", address)) if value is not None]
    return int(main(["run", str(APP), *named, *options], standalone_mode=False) or 0)
