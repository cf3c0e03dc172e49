"""What `experiments.benchmark` measures and measures against."""
