"""Several processes that train one network: how they meet, exchange gradients, and end together."""
