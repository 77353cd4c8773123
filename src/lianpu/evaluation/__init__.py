"""How well packs recognise: the measures of biometrics, labelled data sets to take them on, and their plots."""
