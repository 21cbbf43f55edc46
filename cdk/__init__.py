"""The cloud deployment, as code: stacks, and the state machine that follows from the table of stages."""
