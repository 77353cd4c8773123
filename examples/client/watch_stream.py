"""Read a camera and print who appears and leaves, until it ends.

python watch_stream.py http://127.0.0.1:8000 API_KEY rtsp://camera.lan/main
"""

import asyncio
import sys

from lianpu.client import AsyncLianpu


async def main(url: str, api_key: str, source: str) -> None:
    async with AsyncLianpu(url, api_key=api_key) as lianpu:
        messages = lianpu.streams.events()
        # `ready`: from here on nothing is missed.
        print((await anext(messages)).type)
        stream = await lianpu.streams.start(source, lifetime_minutes=5)
        async for message in messages:
            if message.event is not None and message.event.stream_id == stream.stream_id:
                print(message.event.kind, message.event.person_name or "somebody unknown")
                if message.event.kind in {"person_left", "unknown_left"}:
                    break
        await lianpu.streams.stop(stream.stream_id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
