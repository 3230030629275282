"""What an experiment says of its own runs, in one file: ``experiment.toml``."""
