"""Print the streams of a capture that contain a text, and where: find_text.py CAPTURE TEXT."""

import sys

from gofollow import follow

text = sys.argv[2].encode()
for stream in follow(sys.argv[1]):
    for turn in stream.turns():
        if (at := turn.data.find(text)) >= 0:
            print(f"{stream.identifier} {turn.side} at byte {turn.offset + at}, packet {turn.first_packet}: {turn.data[at : at + 60]!r}")
