"""Rehearsals on the running bot: a source is cut off, and readers are watched meanwhile."""
