"""The server around every page: headers, identity, preloading, style, and the turns of pages."""
