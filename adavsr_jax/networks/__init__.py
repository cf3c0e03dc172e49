"""TSR and SSR, the two networks of the paper, and the pair of them. Flax."""
