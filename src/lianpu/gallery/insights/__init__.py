"""What the gallery's own scores tell: which threshold promises what, and what is amiss in it."""
