"""HTTP/1.1 as bytes and tables: heads, framing, challenges, authorities. Nothing here touches a socket."""
