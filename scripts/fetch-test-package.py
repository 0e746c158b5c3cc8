"""Fetches the source package of the end-to-end test and verifies it, without running any of its code.

`pip download` would run the package's set-up to learn its metadata. The index is whichever pip is set up to use.
"""

import hashlib
import json
import os
import sys
import urllib.request

from pip._internal.models.index import PyPI

FILE = "parse-1.12.0.tar.gz"
SHA256 = "1b68657434d371e5156048ca4a0c5aea5afc6ca59a2fea4dd1a575354f617142"


def verified(data):
    return hashlib.sha256(data).hexdigest() == SHA256


def fetch():
    index = os.environ.get("PIP_INDEX_URL") or PyPI.simple_url
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    request = urllib.request.Request(f"{index.rstrip('/')}/parse/", headers=accept)
    with urllib.request.urlopen(request, timeout=60) as answer:
        files = json.load(answer)["files"]
    url = next(entry["url"] for entry in files if entry["filename"] == FILE)
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def main(folder):
    path = os.path.join(folder, FILE)
    if os.path.exists(path):
        with open(path, "rb") as kept:
            if verified(kept.read()):
                return
    data = fetch()
    if not verified(data):
        sys.exit(f"{FILE} has not the pinned checksum: it is not used. Try again, or look at the index that pip uses.")
    os.makedirs(folder, exist_ok=True)
    with open(path + ".part", "wb") as part:
        part.write(data)
    os.replace(path + ".part", path)


main(sys.argv[1])
