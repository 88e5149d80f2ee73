"""The rooms that know Streamlit: the shell around the pages, what they share, and their widgets."""
