"""JPEGs decoded at a fraction of their size by compiled code: the pixels that OpenCV gives, sooner."""
