"""What readers get: storage layout, catalogue, exports, report."""
