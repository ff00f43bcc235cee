"""Who may do what, and what the server may do with its own power. Pure: asks no store and no network."""
