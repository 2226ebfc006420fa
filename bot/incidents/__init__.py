"""Every time that a source was not fit or a price not trusted, and how available they were."""
