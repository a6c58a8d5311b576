"""The words of trading: frozen values, their tables and the ports. No I/O, no clock, no library of the outside."""
