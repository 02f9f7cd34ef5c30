"""The words and phrases by which a description is judged. Tables and patterns only.

Patterns of `ORDERS` and `READERS` say that a text speaks to somebody instead of about an object. They are wide on
purpose: an object whose text trips one waits undescribed, which costs less than publishing what a page ordered.
"""

from __future__ import annotations

import re


def _any(*patterns: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), flags)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TLD = (
    "com|org|net|info|biz|io|ai|app|dev|xyz|top|site|online|shop|store|club|live|example|test|onion|ru|cn|uk|de|fr|nl"
    "|eu|us|tv|cc|ly|gg|link|click|zip|edu|gov|int|mil"
)
_LANGUAGE = "french|german|spanish|italian|dutch|portuguese|russian|chinese|japanese|latin|arabic|klingon|pirate"

LINKS = _any(
    r"\b(?:https?|hxxps?|ftp|javascript|mailto|file|data)\s*:(?=\S)",
    r"://",
    r"\bwww\s*\.",
    r"@",
    rf"\b[a-z0-9][a-z0-9-]{{0,62}}\.(?:{_TLD})\b",
    rf"(?:\bdot\b|\[\.\]|\[dot\]|\(dot\)|\(\.\))\s*(?:{_TLD})\b",
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
)
"""Addresses of any kind, written out or disguised."""

PHONE = re.compile(r"\+?\d(?:[ ().-]?\d){8,}")

MARKUP = _any(
    r"[<>{}`|\\=^$€£¥₿]",
    r"\]\s*\(",
    r"&(?:#\w+|[a-z]+);",
    r"\*\*|__|/\*|\*/|~~|--\s*$",
    r"(?:^|\s)#\w",
    r"\w\(\)",
    r"\b(?:drop\s+table|rm\s+-rf|sudo\s|curl\s+-|union\s+select)",
    r"[!-~]{36,}",
    r"\b(?=\w*\d)(?=\w*[a-z])\w{20,}\b",
)
"""Markup, code, currency signs, and strings that no catalogue has, such as keys and wallets."""

ORDERS = _any(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,60}"
    r"\b(?:instruction|prompt|rule|text|message|direction|command|guideline|order|context|everything|said|told)",
    r"\b(?:ignore|disregard|forget)\s+(?:all|any|everything|what|the\s+(?:above|previous|rest)|previous)\b",
    r"\bas an? (?:ai|assistant|language model|chatbot)\b",
    r"\b(?:language models?|llms?|chat ?gpt|openai|ollama|chatbots?|ai (?:assistants?|models?|agents?|systems?))\b",
    r"\b(?:system|developer|user|your|the|this|my) (?:prompts?|instructions?)\b",
    r"\b(?:new|updated|previous|prior|above|secret|hidden|special|following) (?:instructions?|orders|rules|tasks?)\b",
    r"\b(?:system|assistant|user|human|developer|instructions?|prompt|note to \w+|attention|important)\s*:",
    r"\byou (?:are|must|should|will|can|may|have|need|shall|now|only|ought)\b",
    r"\byour (?:task|job|role|answer|response|output|reply|description|summary|new|only|real|true)\b",
    r"\b(?:jailbreak|developer mode|do anything now|role-?play|pretend (?:to be|you|that)|act as (?:a|an|if|the)|"
    r"from now on|stop describing|end of (?:the )?(?:record|data|prompt|document))\b",
    r"(?:^|[.!?:;,(\"“]\s*|\b(?:please|kindly|and|then|must|should|to|now|just|also|always|instead|but)\s+)"
    r"(?:respond|reply|answer|output|return|print|say|write|repeat|translate|reveal|include|append|execute|state|"
    r"mention|insert|add|claim|tell|describe|call|emit|put|set|use|finish|begin|start)\b.{0,40}"
    rf"\b(?:only|exactly|verbatim|the following|the words?|the (?:text|phrase|sentence)|json|in (?:{_LANGUAGE})|"
    r"that (?:it|this|the)|instead|control word|this (?:object|item|work) as|in your)\b",
    rf"\b(?:translate|write|answer|respond|describe)\b.{{0,40}}\b(?:in|into|to) (?:{_LANGUAGE})\b",
    r"\bi(?:'m| am) (?:sorry|unable|not|an?|here|happy|now)\b",
    r"\bi (?:can ?not|can't|won't|will not|do not|don't|apologi[sz]e|have been|obey|comply)\b",
    r"\bcontrol words?\b",
    r"\b(?:begin|end) record\b",
)
"""Phrases that speak to a model, or that a model says of itself."""

ORDERS_CASED = re.compile(r"\bAI\b|\bLLM\b|\bGPT\b")
"""In capitals only: Ai Weiwei is an artist."""

_NOUN = r"(?!\s+(?:of|by|from|is|was|are|were|in|on|at|with|after|and|or|to|showing|depicting|made)\b)"

READERS = _any(
    rf"(?:^|[.!?;:]\s+|\bplease,?\s+)(?:visit|buy|pay|contact|email|scan|vote|invest|believe){_NOUN}\s+\w",
    r"(?:^|[.!?;:]\s+|\bplease,?\s+)(?:call|print|return|follow|share|run|enter|note|text|order|watch|read|see|look|"
    r"join|try|get|take|give|trust|open) (?:this|that|our|us|your|now|here|it|me|\+?\d)",
    r"(?:^|[.!?;:]\s+|\bplease,?\s+)(?:go|write|send|listen|switch|proceed) (?:to|for|it|us|me|your)\b",
    r"\b(?:click|tap|press) (?:here|on|the|this|below|now)\b",
    r"\b(?:visit|see|check out|go to|browse|try) (?:our|us|my|the (?:site|website|web ?page|shop|store|link)|your)\b",
    r"\b(?:subscribe|sign up|log ?in|download|install|donate|unsubscribe|whatsapp|telegram|bitcoin|btc|ethereum|"
    r"crypto\w*|coupon|promo code|gift cards?|credit cards?|passwords?|passcodes?)\b",
    r"\b(?:buy|order|call|act|apply|register|subscribe|book|donate) (?:now|today|here)\b",
    r"\b(?:contact|follow|call|email|write to|message|ask) us\b",
    r"\b(?:learn|read|find out|see) more\b",
    r"\b(?:for sale|free (?:gift|money|trial|shipping|gold|offer|download)|limited offer|special offer|discount|"
    r"best price|money[- ]back|satisfaction guaranteed|don't miss)\b",
    r"\bdear (?:reader|visitor|customer|friend|user|sir|madam)\b",
)
"""Phrases that ask a reader to do something."""

PERSONS = _any(
    r"\b(?:you|your|yours|yourself)\b",
    r"(?:^|[.!?]\s+)(?:I|I'm|I've|My|We|Our|Us)\b",
    r"\b(?:we|our|us|my|me|mine)\b",
)
"""A catalogue text has no "you" and no "we": a sentence with one is left out."""

META = _any(
    r"\b(?:the|this|given|provided) (?:record|data|dataset|json|input|metadata|web ?page|website|document|entry)\b",
    r"\b(?:not (?:specified|known|provided|given|available|mentioned)|no (?:further|other|additional) information|"
    r"unknown from)\b",
)
"""Talk about the task instead of the object."""

CLAIMS = _any(
    r"\b(?:fakes?|forger(?:y|ies)|forged|counterfeit\w*|stolen|loot(?:ed|ing)|plunder\w*|worthless|priceless|scams?|"
    r"fraud\w*|hoax\w*|cursed?|haunted|dangerous|poison\w*|illegal\w*|hack\w*|pwned|stupid|idiot\w*|worst|best|"
    r"superior|inferior|recommend\w*|sponsor\w*|endorse\w*|price\w*|worth|valuable|expensive|cheap\w*|sale|sold|"
    r"famous|masterpieces?|renowned|celebrated|iconic|greatest|finest|important|significant|rare|exquisite|"
    r"beautiful\w*|stunning|unique|remarkable|magnificent|copyright\w*|licen[cs]ed?|propaganda|lies|liars?|"
    r"genuine|authentic\w*|murder\w*|terroris\w*|nazis?|aliens?|extraterrestrial\w*|ufos?|magic\w*|cures?|heals?)\b"
)
"""Judgements: only with a word that the record's own fields have, never because a page says so."""

MATERIALS = frozenset(
    _words(
        """acrylic alabaster aluminium aluminum amber basalt bone brass bronze canvas cardboard cedar ceramic chalk
    charcoal clay copper cotton coral crayon crystal diamond earthenware ebony emerald enamel faience felt
    fiber fur glass gold gouache granite graphite gypsum hemp horn ink iron ivory jade jasper lacquer lapis
    lead leather limestone linen mahogany marble metal mosaic oak obsidian oil paper papyrus parchment
    pastel pearl pewter plaster plastic platinum porcelain quartz ruby sandstone sapphire satin shell silk
    silver slate steel stone stoneware tempera terracotta tin turquoise vellum velvet walnut watercolor
    watercolour wax wood wool zinc"""
    )
)
"""What a thing is made of is a fact like a year."""

NUMBERS = {
    word: number
    for number, word in enumerate(
        _words(
            """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty"""
        )
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
NUMBERS |= {"hundred": 100, "thousand": 1000, "million": 1_000_000, "dozen": 12}
FREE_NUMBERS = frozenset({"zero", "one"})
""""One" is a pronoun as often as a number."""

ORDINALS = {
    word: number
    for number, word in enumerate(
        _words(
            """zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"""
        )
    )
} | {"twenty-first": 21}

DEMONYMS = tuple(
    frozenset(line.split())
    for line in """
    america american|austria austrian|babylon babylonian|belgium belgian|bohemia bohemian|britain british|byzantium
    byzantine|china chinese|cyprus cypriot|denmark danish|egypt egyptian|england english|ethiopia ethiopian|etruria
    etruscan|europe european|flanders flemish|france french|germany german|greece greek|hungary hungarian|india indian|
    iran iranian|iraq iraqi|ireland irish|italy italian|japan japanese|korea korean|mexico mexican|nepal nepalese|
    netherlands dutch holland netherlandish|nigeria nigerian|norway norwegian|persia persian|peru peruvian|poland
    polish|portugal portuguese|rome roman|russia russian|scotland scottish|spain spanish|sumer sumerian|sweden swedish|
    switzerland swiss|syria syrian|thailand thai|tibet tibetan|turkey turkish|venice venetian|vietnam vietnamese|
    wales welsh|africa african|asia asian|assyria assyrian|maya mayan|ottoman ottomans|athens athenian attic
    """.replace("\n", " ").split("|")
)
"""A place and what comes from it count as the same name."""

STARTERS = frozenset(
    _words(
        """a about above according across after against alongside also although among an and another approximately
    around art artist as at attributed before behind below beneath between beyond both but by carved cast
    ceramic circa collection color colored composed composition constructed crafted created date dated dates
    dating decorated decoration depicted depicting depicts designed dimensions drawing drawn during each
    either engraved engraving etched etching every executed featuring figure figures for formed from further
    half hand here his her how hung if image in inscribed inside into it its itself just kept known
    landscape large late later like located low made maker many material materials measured measures
    measuring medium more most mounted near nearly not object objects of on one only or original originally
    other out over overall painted painter painting paintings part picture piece placed portrait
    portrayed portraying portrays possibly print printed prints probably produced rendered roughly scene
    scenes sculpted sculpture seated seen several she shown shows signed similar since sitting small some
    standing still study style subject such textile that the their them then there these they this those
    though through throughout thus title titled to together two under until upon used using vase vessel view
    was were when where which while whose wide with within without work works woven written he bce ce bc ad
    cm mm"""
    )
)
"""Words that may have a capital letter without being a name, at the start of a sentence above all."""

ABBREVIATIONS = frozenset(
    _words(
        """ca c fl b d no nos st dr mr mrs ms jr sr vol fig figs ed approx cm mm in ft h w l diam bc bce ad ce e.g
    i.e"""
    )
)
"""A full stop after these does not end a sentence."""

ENGLISH = frozenset(_words("""the of and in on a an is was are were it with by from this to for as at its has"""))
FOREIGN = tuple(
    frozenset(line.split())
    for line in (
        "der die das und ist ein eine einer mit von aus dem den des im auf zu wurde nicht",
        "le la les des est une un et dans du sur avec par qui que ce cette aux au",
        "el los las una es y con del por que para como fue su un en",
        "il lo gli della di che una con nel del per e un dei alla",
        "het een van en met uit op door dat zijn voor niet de",
        "o os uma um com do da em que foi na no dos das e",
        "och ett en av som med till den det i på",
        "est et in ad cum ex quod sunt non ab",
    )
)
"""The commonest words of languages that are not asked for, each against English."""
