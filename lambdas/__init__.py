"""The functions between the stages: each validates its event, calls one thing, and answers."""
