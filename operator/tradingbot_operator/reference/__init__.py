"""Pages of the reference, made from the data the code itself runs on."""
