"""The venue's doors: REST, WebSocket and control, on aiohttp. The only folder that knows it (with server)."""
