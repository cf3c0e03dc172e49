"""Commands, and the configs that they are told what to do by."""
