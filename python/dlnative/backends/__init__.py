"""What runs a program: one package or module for each backend, behind one interface."""
