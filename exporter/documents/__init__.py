"""Reading YAML so that every fault names its file, its line and the way out."""
