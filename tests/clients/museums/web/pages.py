# ruff: noqa: E501  a page in one line is easier to judge than one in pieces
"""Pages that make a licence look like what it is not, or state it in an odd place; each with the right verdict."""

from __future__ import annotations

from dataclasses import dataclass

from hived.records.artifact import CC0, PDM

BY = "https://creativecommons.org/licenses/by/4.0/"
A_CC0 = f'<a rel="license" href="{CC0}">CC0</a>'
URL = "https://museum.example/objects/12"


@dataclass(frozen=True, slots=True)
class Tricky:
    what: str
    html: str
    expected: str | None


def page(body: str, head: str = "") -> str:
    nav = '<nav><a href="/">Home</a></nav>'
    return f"<!DOCTYPE html><html><head><title>A bowl</title>{head}</head><body>{nav}{body}</body></html>"


def article(body: str, head: str = "") -> str:
    return page(f"<main><h1>A bowl</h1><p>A bowl of clay, about 1200.</p>{body}</main>", head)


def data(json: str) -> str:
    return f'<script type="application/ld+json">{json}</script>'


def work(more: str) -> str:
    return data('{"@context":"https://schema.org","@type":"VisualArtwork","name":"A bowl",' + more + "}")


def link(uri: str) -> str:
    return f'<link rel="license" href="{uri}">'


def meta(name: str, content: str) -> str:
    return f'<meta name="{name}" content="{content}">'


TRICKY = [
    # refused
    Tricky("silence", article(""), None),
    Tricky("words only: this is not CC0", article("<p>This is not CC0.</p>"), None),
    Tricky("words only: this is CC0", article("<p>This image is CC0 and in the public domain.</p>"), None),
    Tricky("a denial beside a licence link in the head", article("<p>This work is not in the public domain.</p>", link(CC0)), None),
    Tricky("this is not CC0, with a link", article(f"<p>This work is not {A_CC0}.</p>"), None),
    Tricky("no longer CC0, with a link", article(f"<p>The image is no longer {A_CC0}</p>"), None),
    Tricky("all works except this one", article(f"<p>All our images except this one are {A_CC0}</p>"), None),
    Tricky("a CC0 logo in the footer", page("<main><h1>A bowl</h1></main>" + f'<footer><a rel="license" href="{CC0}"><img src="cc0.png" alt="CC0"></a></footer>'), None),
    Tricky("a CC0 link in a div that is the footer", article("") + f'<div class="site-footer">{A_CC0}</div>', None),
    Tricky("a CC0 link in an element with role contentinfo", article("") + f'<div role="contentinfo">{A_CC0}</div>', None),
    Tricky("a CC0 link in the navigation", article(f"<nav>{A_CC0}</nav>"), None),
    Tricky("a CC0 link in an aside", article(f"<aside>More like this: {A_CC0}</aside>"), None),
    Tricky("CC0 of related works", article(f'<section class="related-works">A plate {A_CC0}</section>'), None),
    Tricky("CC0 for the metadata only, in words", article(f"<p>The metadata of this record is available under {A_CC0}.</p>"), None),
    Tricky("CC0 for the texts of the site", article(f"<p>The texts on this website are {A_CC0}.</p>"), None),
    Tricky("CC0 for the data set in JSON-LD", article("", work(f'"subjectOf":{{"@type":"Dataset","license":"{CC0}"}}')), None),
    Tricky("CC0 for the structured data", article("", work(f'"sdLicense":"{CC0}"')), None),
    Tricky("CC0 of the web page, not of its work", article("", data(f'[{{"@type":"WebPage","license":"{CC0}"}},{{"@type":"Painting","name":"A bowl"}}]')), None),
    Tricky("CC0 of the site, not of its work", article("", data(f'[{{"@type":"WebSite","license":"{CC0}"}},{{"@type":"Painting","name":"A bowl"}}]')), None),
    Tricky("CC0 of an article about the work", article("", data(f'{{"@type":"Article","name":"On bowls","license":"{CC0}"}}')), None),
    Tricky("a CC BY image in a CC0 page, JSON-LD", article("", link(CC0) + work(f'"image":{{"@type":"ImageObject","contentUrl":"/a.jpg","license":"{BY}"}}')), None),
    Tricky("a CC BY image in a CC0 page, caption", article(f'<figure><img src="/a.jpg"><figcaption>Photo: <a href="{BY}">CC BY</a></figcaption></figure>', link(CC0)), None),
    Tricky("a loose ImageObject that is CC BY", article("", data(f'[{{"@type":"VisualArtwork","name":"A bowl","license":"{CC0}"}},{{"@type":"ImageObject","contentUrl":"/a.jpg","license":"{BY}"}}]')), None),
    Tricky("JSON-LD with two licences", article("", work(f'"license":["{CC0}","{BY}"]')), None),
    Tricky("JSON-LD and a link that disagree", article("", work(f'"license":"{CC0}"') + link(BY)), None),
    Tricky("JSON-LD and microdata that disagree", article(f'<div itemscope itemtype="https://schema.org/VisualArtwork"><span itemprop="name">A bowl</span><a itemprop="license" href="{BY}">x</a></div>', work(f'"license":"{CC0}"')), None),
    Tricky("CC0 and a copyright notice", article("", work(f'"license":"{CC0}","copyrightNotice":"© The Estate"')), None),
    Tricky("commented out", article(f"<!-- {A_CC0} --><!-- {link(CC0)} -->"), None),
    Tricky("hidden by the hidden attribute", article(f"<p hidden>{A_CC0}</p>"), None),
    Tricky("hidden by style", article(f'<p style="display: none">{A_CC0}</p>'), None),
    Tricky("hidden by class", article(f'<p class="visually-hidden">{A_CC0}</p>'), None),
    Tricky("moved off the screen", article(f'<p style="position:absolute;left:-9999px">{A_CC0}</p>'), None),
    Tricky("in a template", article(f"<template>{A_CC0}</template>"), None),
    Tricky("in a noscript", article(f"<noscript>{A_CC0}</noscript>"), None),
    Tricky("in a script's string", article(f"<script>var a = '{A_CC0}';</script>"), None),
    Tricky("in a textarea to copy from", article(f"<textarea>{A_CC0}</textarea>"), None),
    Tricky("in a quoted article", article(f"<blockquote><p>The other museum says: {A_CC0}</p></blockquote>"), None),
    Tricky("in one of several articles", page(f"<main><article><h2>One</h2>{A_CC0}</article><article><h2>Two</h2></article></main>"), None),
    Tricky("a list of many CC0 works", article("".join(f"<li>Bowl {i} {A_CC0}</li>" for i in range(9))), None),
    Tricky("several works in JSON-LD, none the page's", article("", data(f'[{{"@type":"Painting","name":"One","license":"{CC0}"}},{{"@type":"Painting","name":"Two","license":"{CC0}"}}]')), None),
    Tricky("several works, and a licence link in the head", article("", link(CC0) + data('[{"@type":"Painting","name":"One"},{"@type":"Painting","name":"Two"}]')), None),
    Tricky("licence as a word: CC0", article("", work('"license":"CC0"')), None),
    Tricky("licence as a word: Public Domain", article("", work('"license":"Public Domain"')), None),
    Tricky("a misspelt host", article("", link("https://creativecomons.org/publicdomain/zero/1.0/")), None),
    Tricky("a host that only begins well", article("", link("https://creativecommons.org.example.com/publicdomain/zero/1.0/")), None),
    Tricky("a version that there is not", article("", link("https://creativecommons.org/publicdomain/zero/4.0/")), None),
    Tricky("a mere link to the deed", article(f'<p>Read about <a href="{CC0}">CC0</a></p>'), None),
    Tricky("a relative licence link", article("", link("/publicdomain/zero/1.0/")), None),
    Tricky("a relative licence link with a base", article("", '<base href="https://creativecommons.org/">' + link("/publicdomain/zero/1.0/")), None),
    Tricky("dc.rights in words around the URI", article("", meta("dc.rights", f"Metadata: {CC0}")), None),
    Tricky("two dc.rights", article("", meta("dc.rights", CC0) + meta("dc.rights", "© Museum")), None),
    Tricky("a licence meta that says CC BY beside JSON-LD CC0", article("", meta("dcterms.license", BY) + work(f'"license":"{CC0}"')), None),
    Tricky("OpenGraph says nothing of rights", article("", '<meta property="og:title" content="CC0 bowl">'), None),
    Tricky("about another resource", article(f'<div about="https://museum.example/objects/99">{A_CC0}</div>'), None),
    Tricky("all rights reserved in the text", article("<p>All rights reserved.</p>", link(CC0)), None),
    Tricky("a © beside the picture", article("<p>Image: © Anna Example</p>", link(CC0)), None),
    Tricky("a © in the very line of the link", article(f"<p>© Museum 2026. {A_CC0}</p>"), None),
    Tricky("a © in the middle of the line of the link", article(f"<p>Photographed by Anna Example, © 2020. {A_CC0}</p>"), None),
    Tricky("struck out", article(f"<p>Licence: <del>{A_CC0}</del></p>"), None),
    Tricky("a licence of the image of another work, microdata", article(f'<div itemscope itemtype="https://schema.org/Painting"><span itemprop="name">A plate</span><link itemprop="license" href="{CC0}"></div>', work('"url":"/objects/12"')), None),
    Tricky("InC by rightsstatements.org in the caption", article('<p><a href="http://rightsstatements.org/vocab/InC/1.0/">In copyright</a></p>', link(CC0)), None),
    Tricky("JSON-LD in a template", article(f"<template>{work(chr(34) + 'license' + chr(34) + ':' + chr(34) + CC0 + chr(34))}</template>"), None),
    Tricky("a licence link that slipped into the body", article(link(CC0)), None),
    Tricky("CC BY by a link in the body", article(link(BY), link(CC0)), None),
    # cleared
    Tricky("JSON-LD of the work", article("", work(f'"license":"{CC0}"')), CC0),
    Tricky("JSON-LD with a deed in German", article("", work(f'"license":"{CC0}deed.de"')), CC0),
    Tricky("JSON-LD with the licence as a thing", article("", work(f'"license":{{"@type":"CreativeWork","@id":"{PDM}"}}')), PDM),
    Tricky("JSON-LD of the work's image", article("", work(f'"image":{{"@type":"ImageObject","contentUrl":"/a.jpg","license":"{PDM}"}}')), PDM),
    Tricky("JSON-LD of an image elsewhere in the graph", article("", data(f'{{"@graph":[{{"@type":"Painting","name":"A bowl","image":{{"@id":"#i"}}}},{{"@type":"ImageObject","@id":"#i","contentUrl":"/a.jpg","license":"{CC0}"}}]}}')), CC0),
    Tricky("JSON-LD with the page around the work", article("", data(f'{{"@type":"WebPage","license":"{BY}","mainEntity":{{"@type":"Sculpture","name":"A bowl","license":"{CC0}"}}}}')), CC0),
    Tricky("JSON-LD of several works, one the page's own", article("", data(f'[{{"@type":"Painting","name":"One","url":"{URL}","license":"{CC0}"}},{{"@type":"Painting","name":"Two","license":"{BY}"}}]')), CC0),
    Tricky("JSON-LD with a trailing comma and a comment", article("", data(f'/* bowl */ {{"@type":"Painting","name":"A bowl","license":"{CC0}",}}')), CC0),
    Tricky("a site of CC BY texts, in its footer", article("", work(f'"license":"{CC0}"')) + f'<footer><a rel="license" href="{BY}">CC BY</a></footer>', CC0),
    Tricky("a link in the head", article("", link(CC0)), CC0),
    Tricky("a link in the head without a scheme", article("", link("//creativecommons.org/publicdomain/zero/1.0/")), CC0),
    Tricky("an anchor in the main part", article(f"<p>Rights: {A_CC0}</p>"), CC0),
    Tricky("an anchor in a sentence about the picture", article(f"<p>The image and its metadata are {A_CC0}.</p>"), CC0),
    Tricky("an anchor with a not in the sentence before", article(f"<p>It was not cleaned. This image: {A_CC0}</p>"), CC0),
    Tricky("an anchor in the only figure", article(f"<figure><img src='/a.jpg'><figcaption>{A_CC0}</figcaption></figure>"), CC0),
    Tricky("dcterms.rights", article("", meta("dcterms.rights", PDM)), PDM),
    Tricky("DC.rights in capitals", article("", meta("DC.Rights", CC0)), CC0),
    Tricky("microdata", article(f'<div itemscope itemtype="http://schema.org/Painting"><b itemprop="name">A bowl</b><a itemprop="license" href="{CC0}">CC0</a></div>'), CC0),
    Tricky("both marks: the weaker one", article("", work(f'"license":"{CC0}"') + link(PDM)), PDM),
    Tricky("a © of the site in its footer", article("", link(CC0)) + "<footer>© 2026 The Museum. All rights reserved.</footer>", CC0),
    Tricky("the word public domain beside the URI", article("<p>Public domain</p>", work(f'"license":"{PDM}","copyrightNotice":"Public Domain"')), PDM),
    Tricky("a layout named for its menu and sidebar", article(f"<p>Rights: {A_CC0}</p>").replace("<body>", '<body class="menu sidebar">').replace("<main>", '<main class="sidebar-content">'), CC0),
    Tricky("about this very page", article(f'<div about="{URL}">{A_CC0}</div>'), CC0),
]  # fmt: skip
