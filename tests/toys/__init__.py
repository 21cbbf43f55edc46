"""Steps that stand in for real ones in the tests of the runner."""
