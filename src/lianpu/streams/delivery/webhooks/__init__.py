"""Events posted to addresses of others: stored beside the events, signed, tried until they arrive or are given up."""
