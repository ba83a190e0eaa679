"""Layer counts to Gluon networks."""
