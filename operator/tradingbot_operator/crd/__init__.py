"""The CustomResourceDefinitions, generated from the models that parse them."""
