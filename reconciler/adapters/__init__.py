"""One outside system each. Adapters know the domain and the ports; not the use cases, not each other."""
