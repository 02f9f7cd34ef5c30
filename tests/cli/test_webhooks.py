"""`hivectl webhooks`: added with its secret shown once, listed masked, changed, tried and removed."""

from __future__ import annotations

import json

from tests.cli.site import Site

URL = "https://erp.example.com/geheim"


def test_a_webhook_is_added_listed_changed_tried_and_removed(site: Site) -> None:
    assert "there is no webhook yet" in site.run("webhooks", "list").err
    made = site.run("webhooks", "add", "erp", URL, "--kind", "miner_offline")
    assert made.code == 0
    assert made.out.startswith("whsec_")
    shown = json.loads(site.run("webhooks", "list", "--json").out)
    assert [(one["name"], one["url"], one["kinds"]) for one in shown] == [
        ("erp", "https://erp.example.com/***", ["miner_offline"])
    ]
    listed = site.run("webhooks", "list").out
    assert "nothing sent yet" in listed
    assert "geheim" not in listed
    assert "erp gets all kinds of event" in site.run("webhooks", "change", "erp", "--all-kinds").out
    assert "erp is off" in site.run("webhooks", "change", "erp", "--off").out
    here = site.run("webhooks", "add", "here", "http://127.0.0.1:1/")
    assert here.code == 0
    tried = site.run("webhooks", "test", "here")
    assert tried.code == 1
    assert "127.0.0.1, loopback: alerts.allow_hosts does not have it" in tried.out + tried.err
    assert site.run("webhooks", "remove", "erp").code == 0
    assert site.run("webhooks", "remove", "erp").code == 1
    assert site.run("webhooks", "add", "Erp", URL).code == 1
