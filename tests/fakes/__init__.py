"""Stand-ins that speak the real protocols over real sockets: a model server and a TCP proxy that break on purpose."""
