"""request -> dialect -> checks -> order -> matching <- price <- market; fills -> funds -> answers, events, log."""
