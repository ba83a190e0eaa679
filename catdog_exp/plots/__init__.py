"""Pictures for people: sheets of pictures, training curves, a confusion matrix."""
