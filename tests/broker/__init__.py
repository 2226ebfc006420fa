"""Apache Kafka for the tests: `fetch` gets it, `cluster` runs it, `conftest` hands it out."""
