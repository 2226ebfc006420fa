"""One fresh and trustworthy price per symbol, from several exchanges. Start reading at app.py."""

__version__ = "0.1.0"
