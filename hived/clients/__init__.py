"""One folder for each thing we talk to: bytes in, records out."""
