"""From an exchange's socket to the store: connecting, reading, replacing a connection in time."""
