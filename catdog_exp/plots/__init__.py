"""Pictures for people: sheets of pictures, training curves, a confusion matrix, what a sweep has found."""
