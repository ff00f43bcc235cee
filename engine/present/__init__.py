"""How things are shown, for every surface: JSON bodies, words, values, figures, downloads. Pure."""
