"""What to train: a file a config, `get_config()` of each gives its values."""
