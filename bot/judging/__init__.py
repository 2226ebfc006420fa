"""Which sources are to be believed, which is active, and what is served: begin with judge.py."""
