"""Fetches one file of a Python package by its exact name and verifies it, without pip and without running anything of it.

usage: python3 fetch-package.py PACKAGE FILE SHA256 FOLDER

Asks the index that pip would ask: PIP_INDEX_URL, else `index-url` of pip's configuration files, else the public one. A file
that is in FOLDER already is not fetched again. It appears there whole or not at all.
"""

import base64
import configparser
import hashlib
import html.parser
import http.client
import json
import os
import re
import ssl
import sys
import urllib.parse
import urllib.request

DEFAULT_INDEX = "https://pypi.org/simple"
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
TIMEOUT_S = 60
OTHER_INDEX = (
    "If this machine has another index, set PIP_INDEX_URL to it, or index-url in the [global] section of "
    "~/.config/pip/pip.conf. Then run this again."
)


class Refused(Exception):
    """What a person should know: what happened, why, and what to do next."""


def pip_setting(name):
    """A setting as pip knows it: from the environment, else from the first configuration file that has it."""
    home = os.path.expanduser("~")
    user = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    value = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    for path in (
        os.environ.get("PIP_CONFIG_FILE") or os.devnull,
        os.path.join(user, "pip", "pip.conf"),
        os.path.join(home, ".pip", "pip.conf"),
        "/etc/pip.conf",
    ):
        if value:
            return value
        settings = configparser.RawConfigParser()
        try:
            settings.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise Refused(f"{path} cannot be read: {error}. Correct or remove it, then run this again.")
        value = settings.get("global", name, fallback="").strip()
    return value


def certificates():
    """Those that pip was given stand in for the machine's; SSL_CERT_FILE is understood by Python itself."""
    given = pip_setting("cert") or None
    try:
        return ssl.create_default_context(cafile=given)
    except OSError as error:
        raise Refused(f"The certificates in {given} cannot be read: {error}. Correct PIP_CERT or `cert` in pip.conf.")


def split_password(url):
    """An address and the header that says who asks: urllib does not understand `https://name:password@index.example`."""
    parts = urllib.parse.urlsplit(url)
    if parts.username is None:
        return url, None
    who = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return bare.geturl(), "Basic " + base64.b64encode(who.encode()).decode()


class Links(html.parser.HTMLParser):
    """The addresses on a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if (tag, name) == ("a", "href") and value]


def files_of(page, content_type):
    """The files on a package's page by name, with their addresses: JSON (PEP 691) or HTML (PEP 503)."""
    if "json" in content_type:
        return {file["filename"]: file["url"] for file in json.loads(page)["files"]}
    links = Links(page).found
    return {os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(link).path)): link for link in links}


class Index:
    def __init__(self):
        self.url, self.authorization = split_password(pip_setting("index-url") or DEFAULT_INDEX)
        self.certificates = certificates()

    def get(self, url):
        request = urllib.request.Request(url, headers={"Accept": ACCEPT})
        # Nobody but the index learns who asks, wherever a link or a redirection leads.
        if self.authorization and urllib.parse.urlsplit(url).netloc == urllib.parse.urlsplit(self.url).netloc:
            request.add_unredirected_header("Authorization", self.authorization)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=self.certificates) as answer:
            return answer.read(), answer.geturl(), answer.headers.get("Content-Type", "")

    def fetch(self, package, file):
        page_name = re.sub(r"[-_.]+", "-", package).lower()
        page, url, content_type = self.get(f"{self.url.rstrip('/')}/{page_name}/")
        link = files_of(page.decode("utf-8"), content_type).get(file)
        if link is None:
            raise Refused(f"{url} does not list {file}. {OTHER_INDEX}")
        return self.get(urllib.parse.urljoin(url, link))[0]


def is_verified(data, digest):
    return hashlib.sha256(data).hexdigest() == digest


def is_there(path, digest):
    try:
        with open(path, "rb") as kept:
            return is_verified(kept.read(), digest)
    except FileNotFoundError:
        return False


def main(package, file, digest, folder):
    path = os.path.join(folder, file)
    if is_there(path, digest):
        return
    index = Index()
    try:
        data = index.fetch(package, file)
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise Refused(f"{file} could not be fetched from {index.url}: {error}. {OTHER_INDEX}")
    if not is_verified(data, digest):
        raise Refused(
            f"{file} from {index.url} is not what scripts/pins.sh expects (sha256 {digest}). Somebody changed it on its "
            "way, or the pin is wrong. Run this again; if it stays so, do not use the file and report it."
        )
    os.makedirs(folder, exist_ok=True)
    with open(path + ".part", "wb") as part:
        part.write(data)
    os.replace(path + ".part", path)


try:
    main(*sys.argv[1:])
except Refused as refusal:
    sys.exit(f"error: {refusal}")
