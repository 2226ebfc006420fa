"""The proof of the judgement: random faults, and an oracle that knows the true price."""
