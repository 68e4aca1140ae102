"""Files in, arrays out: reading, splitting and augmenting the brain and street data sets."""
