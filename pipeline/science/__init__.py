"""Pure functions on arrays: no input or output, no clock, no configuration. The last axis is any set of places."""
