"""The image that tests, demo and benchmarks release: a web server that misbehaves when told to."""
