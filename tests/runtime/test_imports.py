"""What a process imports: the driver of its own database, late what is rarely used, whatever the environment says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DAEMONS = ("discoverd", "polld", "controld", "minerd", "syncd", "alertd", "apid")

# Kinds of field reports: proxies that the library below does not speak, lists it cannot read, files that are gone.
HOSTILE = {
    "ALL_PROXY": "socks5://127.0.0.1:1080",
    "HTTP_PROXY": "socks5h://127.0.0.1:1080",
    "https_proxy": "socks4://127.0.0.1:1080",
    "NO_PROXY": "localhost,[::1],fe80::/10,*",
    "SSL_CERT_FILE": "/nonexistent",
    "SSL_CERT_DIR": "/nonexistent",
    "SSLKEYLOGFILE": "/nonexistent/keys",
    "OLLAMA_API_KEY": "käy",
    "OLLAMA_HOST": "http://[::1",
    "PGSERVICEFILE": "/nonexistent",
    "COLUMNS": "many",
}


def python(code: str, **environ: str) -> str:
    """Run a program in a Python of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environ}, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


RARE = ("psycopg", "playhouse", "httpx", "ollama", "pydantic", "cryptography")
LATE = "hived.clients.ollama.transport, hived.services.appliance.tls"
"""What is imported at the place of its use."""
LOADED = f"import sys; print([name for name in {RARE} if sys.modules.get(name)])"


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_box_on_sqlite_loads_neither_the_other_driver_nor_what_is_rarely_used(daemon: str) -> None:
    choose = "from hived.runtime.imports import choose_driver; assert choose_driver('sqlite:////tmp/x.db')"
    always = ["cryptography"] if daemon == "apid" else []  # every master has a certificate, and looks at it
    assert python(f"{choose}\nimport hived.daemons.{daemon}\n{LOADED}") == str(always)


@pytest.mark.parametrize("daemon", ["syncd", "alertd"])
def test_what_asks_nobody_until_there_is_somebody_loads_no_http(daemon: str) -> None:
    """aiohttp takes 10 MiB, which a box without a master would carry for nothing."""
    code = f"import sys, hived.daemons.{daemon}; print([one for one in ('aiohttp', 'difflib') if one in sys.modules])"
    assert python(code) == "[]"


def test_a_server_gets_its_driver() -> None:
    code = "\n".join(
        [
            "from hived.runtime.imports import choose_driver",
            "assert choose_driver('postgresql://u@127.0.0.1/d')",
            "from hived.store import database_of",
            "database_of('postgresql://u@127.0.0.1/d')",
            "import peewee; print(peewee.psycopg is not None)",
        ]
    )
    assert python(code) == "True"


def test_a_process_without_the_driver_says_so_and_begins_anew_elsewhere() -> None:
    code = "\n".join(
        [
            "from hived.runtime.imports import choose_driver",
            "assert choose_driver('sqlite:////tmp/x.db')",
            "import hived.store",
            "print(choose_driver('postgresql://u@127.0.0.1/d'), choose_driver('sqlite:////tmp/y.db'))",
        ]
    )
    assert python(code) == "False True"


def test_a_reload_to_another_kind_of_database_asks_for_a_restart_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "hived.yaml"
    file.write_text("database: {url: 'postgresql://u@127.0.0.1/d'}\n")
    code = "\n".join(
        [
            "import asyncio",
            "from pathlib import Path",
            "from hived.errors import HivedError",
            "from hived.runtime.imports import choose_driver",
            "from hived.runtime.process import Process",
            "assert choose_driver('sqlite:////tmp/x.db')",
            "import hived.store",
            f"launch = Process('hive-polld', 'hived.daemons.polld:polld', Path({str(file)!r}), {{}})",
            "try: asyncio.run(launch._serve(launch.load(), None))",
            "except HivedError as err: print(err)",
        ]
    )
    assert "restart hive-polld" in python(code)


@pytest.mark.parametrize("module", [*(f"daemons.{daemon}" for daemon in DAEMONS), "cli.doctor", "cli.model"])
def test_no_variable_of_the_environment_breaks_an_import(module: str, tmp_path: Path) -> None:
    start = "from hived.runtime.imports import choose_driver; choose_driver('sqlite:////tmp/x.db')"
    python(f"{start}\nimport hived.{module}, {LATE}", **HOSTILE, HOME=str(tmp_path / "gone"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_model_is_asked_whatever_the_environment_says(name: str) -> None:
    code = "\n".join(
        [
            "import asyncio, os",
            "from hived.clients.ollama.client import OllamaClient",
            "from hived.errors import Transient",
            "async def ask():",
            "    async with OllamaClient('http://127.0.0.1:1', 'a:1b') as client:",
            "        try: await client.digest()",
            "        except Transient as err: print(err)",
            "asyncio.run(ask())",
            f"assert os.environ[{name!r}] == {HOSTILE[name]!r}",
        ]
    )
    assert python(code, **{name: HOSTILE[name]}).startswith("no Ollama answers at http://127.0.0.1:1")
