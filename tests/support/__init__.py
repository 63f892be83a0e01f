"""What the tests stand on: scripted peers, an origin, a proxy, certificates, and real servers."""
