"""HTTP/1.1 as bytes and tables: heads, framing, challenges, proxy URLs. Nothing here knows a socket."""
