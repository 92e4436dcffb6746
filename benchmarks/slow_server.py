"""A web server on loopback: ``/MILLISECONDS`` answers after so long. Its first line says on which port.

It is a process of its own, so that it does not share a lock with those who ask.
"""

import asyncio


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request."""
    head = await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(int(head.split()[1].strip(b"/")) / 1000)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    writer.close()


async def serve() -> None:
    """Until the process is ended."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())
