"""The tiers of the chain, best first: stream, (Kafka,) REST, mock."""
