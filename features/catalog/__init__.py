"""The features that ship: lists of Feature rows and nothing else."""
