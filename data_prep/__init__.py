"""From data sets as they are published to shards. No JAX."""
