"""The whole deployment on this machine: moto's server, in which state machine, functions and jobs run for real."""
