"""What is kept of updates, prices served and events: DuckDB for today, Parquet for the past."""
