"""The last hour in memory, for whoever looks: who was fit, who was active, what was served."""
