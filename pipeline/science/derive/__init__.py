"""Every derived parameter: one family a file, pure functions of blended fields; `catalogue` has them all."""
