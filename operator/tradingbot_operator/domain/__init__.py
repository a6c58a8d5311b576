"""The words of the operator: frozen values without I/O, clock or framework. Verbs live in the stage folders."""
