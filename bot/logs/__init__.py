"""The log: what its lines tell beside their text, and where they go."""
