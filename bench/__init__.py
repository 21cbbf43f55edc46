"""Speed of the pieces against what else one could use, on this machine, in one run."""
