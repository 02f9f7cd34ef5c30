"""What the simulated museum's objects are put together from: cultures, kinds of objects, motifs and invented people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object. `shape` names its silhouette, `size_cm` its usual height and width."""

    name: str
    classification: str
    media: tuple[str, ...]
    shape: str
    size_cm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Period:
    """A period with its years; negative ones are before the era."""

    name: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Culture:
    """Where and when objects were made. `groups` are the kinds it left; without names its makers are unknown."""

    name: str
    adjective: str
    departments: tuple[int, ...]
    periods: tuple[Period, ...]
    groups: tuple[str, ...]
    country: str
    places: tuple[str, ...]
    given: tuple[str, ...] = ()
    family: tuple[str, ...] = ()


KINDS: dict[str, tuple[Kind, ...]] = {
    "ceramic": (
        Kind("Bowl", "Ceramics", ("Stoneware with celadon glaze", "Earthenware; painted in slip"), "bowl", (7.5, 18)),
        Kind(
            "Jar", "Ceramics", ("Terracotta", "Porcelain painted with cobalt blue under a clear glaze"), "jar", (31, 24)
        ),
        Kind("Dish", "Ceramics", ("Tin-glazed earthenware", "Porcelain with overglaze enamels"), "dish", (5, 33)),
        Kind("Ewer", "Ceramics", ("Stoneware with incised decoration", "Fritware with lustre"), "ewer", (26, 15)),
        Kind("Tile", "Ceramics", ("Fritware; polychrome glaze", "Lead-glazed earthenware"), "tile", (22, 22)),
    ),
    "vase": (
        Kind("Amphora", "Vases", ("Terracotta; black-figure", "Terracotta; red-figure"), "jar", (44, 28)),
        Kind("Kylix", "Vases", ("Terracotta; red-figure", "Terracotta; white-ground"), "bowl", (11, 27)),
        Kind("Lekythos", "Vases", ("Terracotta; white-ground", "Terracotta; black-figure"), "ewer", (29, 10)),
    ),
    "metal": (
        Kind("Mirror", "Metalwork", ("Bronze", "Bronze with traces of gilding"), "dish", (14, 14)),
        Kind("Candlestick", "Metalwork", ("Brass, engraved and inlaid with silver", "Silver"), "candlestick", (33, 17)),
        Kind("Incense burner", "Metalwork", ("Bronze, cast and pierced", "Copper alloy with enamel"), "jar", (19, 16)),
        Kind("Coin", "Coins", ("Silver", "Gold", "Copper"), "coin", (2.2, 2.2)),
        Kind("Tankard", "Metalwork", ("Silver, partly gilt", "Pewter"), "tankard", (18, 13)),
    ),
    "sculpture": (
        Kind("Figure", "Sculpture", ("Limestone, paint", "Wood with traces of pigment", "Bronze"), "figure", (48, 17)),
        Kind("Head", "Sculpture", ("Marble", "Sandstone", "Basalt"), "head", (29, 21)),
        Kind("Relief", "Sculpture", ("Gypsum alabaster", "Limestone", "Schist"), "tile", (74, 61)),
        Kind("Amulet", "Sculpture", ("Faience", "Carnelian", "Steatite, glazed"), "figure", (3.1, 1.4)),
    ),
    "textile": (
        Kind("Textile fragment", "Textiles", ("Silk, lampas weave", "Cotton, tapestry weave"), "textile", (62, 47)),
        Kind("Carpet", "Textiles", ("Wool pile on cotton foundation", "Silk pile"), "textile", (240, 151)),
        Kind("Robe", "Costumes", ("Silk and metallic thread", "Cotton, resist-dyed"), "robe", (131, 160)),
    ),
    "paper": (
        Kind(
            "Print", "Prints", ("Woodblock print; ink and color on paper", "Etching", "Engraving"), "scroll", (37, 25)
        ),
        Kind("Drawing", "Drawings", ("Pen and brown ink, wash", "Black chalk on blue paper"), "scroll", (28, 21)),
        Kind("Manuscript leaf", "Codices", ("Ink, opaque watercolor and gold on paper",), "scroll", (34, 23)),
    ),
    "painting": (
        Kind("Painting", "Paintings", ("Oil on canvas", "Tempera on wood", "Oil on copper"), "picture", (81, 64)),
        Kind(
            "Miniature", "Paintings", ("Watercolor on ivory", "Opaque watercolor and gold on paper"), "picture", (9, 7)
        ),
    ),
    "scroll": (
        Kind(
            "Hanging scroll",
            "Paintings",
            ("Hanging scroll; ink and color on silk", "Ink on paper"),
            "scroll",
            (118, 48),
        ),
        Kind("Folding screen", "Paintings", ("Six-panel screen; ink, color and gold on paper",), "textile", (154, 360)),
    ),
    "photograph": (
        Kind("Photograph", "Photographs", ("Albumen silver print", "Gelatin silver print"), "picture", (20, 25)),
        Kind("Daguerreotype", "Photographs", ("Daguerreotype",), "picture", (8, 7)),
    ),
    "arms": (
        Kind("Sword guard", "Sword Furniture", ("Iron, gold, copper", "Iron, pierced"), "coin", (8, 7.6)),
        Kind("Helmet", "Armor", ("Steel, etched and gilt", "Iron, lacquer, silk"), "bowl", (24, 20)),
    ),
    "glass": (
        Kind("Beaker", "Glass", ("Glass, blown and enameled", "Glass, wheel-cut"), "tankard", (13, 9)),
        Kind("Flask", "Glass", ("Glass, mold-blown", "Core-formed glass"), "ewer", (12, 7)),
    ),
    "furniture": (
        Kind("Armchair", "Furniture", ("Mahogany, ash, maple", "Walnut, leather"), "chair", (104, 66)),
        Kind("Casket", "Furniture", ("Oak, gilt copper, enamel", "Ivory, silver mounts"), "casket", (15, 24)),
    ),
    "instrument": (
        Kind("Lute", "Chordophone", ("Maple, spruce, ivory", "Rosewood, gut strings"), "lute", (74, 33)),
        Kind("Flute", "Aerophone", ("Boxwood, ivory, silver", "Bamboo, lacquer"), "flute", (63, 3)),
    ),
}

CULTURES: tuple[Culture, ...] = (
    Culture(
        "Japan",
        "Japanese",
        (6,),
        (
            Period("Muromachi period (1392–1573)", 1392, 1573),
            Period("Edo period (1615–1868)", 1615, 1868),
            Period("Meiji period (1868–1912)", 1868, 1912),
        ),
        ("ceramic", "scroll", "paper", "textile", "arms"),
        "Japan",
        ("Kyoto", "Edo", "Arita", "Seto"),
        ("Harusada", "Kunimichi", "Mitsuyori", "Yoshikane", "Tamehisa"),
        ("Asakuno", "Hirasue", "Kanehara", "Okitsuji"),
    ),
    Culture(
        "China",
        "Chinese",
        (6,),
        (
            Period("Song dynasty (960–1279)", 960, 1279),
            Period("Ming dynasty (1368–1644)", 1368, 1644),
            Period("Qing dynasty (1644–1911)", 1644, 1911),
        ),
        ("ceramic", "scroll", "metal", "textile"),
        "China",
        ("Jingdezhen", "Suzhou", "Yangzhou"),
        ("Wenlai", "Shouting", "Zhiyan", "Mingqu"),
        ("Gao", "Lü", "Pei", "Zhuge"),
    ),
    Culture(
        "Korea",
        "Korean",
        (6,),
        (Period("Goryeo dynasty (918–1392)", 918, 1392), Period("Joseon dynasty (1392–1910)", 1392, 1910)),
        ("ceramic", "metal", "scroll"),
        "Korea",
        ("Gangjin", "Gyeonggi"),
    ),
    Culture(
        "India (Rajasthan)",
        "Indian",
        (6, 14),
        (Period("Mughal period (1526–1858)", 1526, 1858),),
        ("painting", "textile", "sculpture", "arms"),
        "India",
        ("Bundi", "Kota", "Mewar"),
    ),
    Culture(
        "Egyptian",
        "Egyptian",
        (10,),
        (
            Period("Middle Kingdom", -2030, -1640),
            Period("New Kingdom", -1550, -1070),
            Period("Late Period", -664, -332),
            Period("Ptolemaic Period", -332, -30),
        ),
        ("sculpture", "glass", "metal"),
        "Egypt",
        ("Thebes", "Memphite Region", "Abydos"),
    ),
    Culture(
        "Assyrian",
        "Assyrian",
        (3,),
        (Period("Neo-Assyrian", -911, -612),),
        ("sculpture", "metal"),
        "Mesopotamia",
        ("Nimrud", "Nineveh"),
    ),
    Culture(
        "Greek, Attic",
        "Greek",
        (13,),
        (Period("Archaic", -600, -480), Period("Classical", -480, -323), Period("Hellenistic", -323, -31)),
        ("vase", "sculpture", "metal"),
        "Greece",
        ("Athens", "Boeotia"),
    ),
    Culture(
        "Roman",
        "Roman",
        (13,),
        (Period("Imperial", -27, 300), Period("Late Imperial", 300, 476)),
        ("sculpture", "glass", "metal"),
        "Italy",
        ("Rome", "Campania", "Ostia"),
    ),
    Culture(
        "Iran",
        "Iranian",
        (14,),
        (Period("Seljuq period (1040–1196)", 1040, 1196), Period("Safavid period (1501–1722)", 1501, 1722)),
        ("ceramic", "textile", "paper", "metal"),
        "Iran",
        ("Isfahan", "Kashan", "Nishapur"),
    ),
    Culture(
        "Türkiye",
        "Ottoman",
        (14,),
        (Period("Ottoman period", 1480, 1820),),
        ("ceramic", "textile", "arms"),
        "Türkiye",
        ("İznik", "Bursa"),
    ),
    Culture(
        "Italian, Venice",
        "Italian",
        (9, 11, 12, 15),
        (Period("", 1430, 1780),),
        ("painting", "paper", "glass", "ceramic", "furniture"),
        "Italy",
        ("Venice", "Faenza", "Murano"),
        ("Bartolo", "Girolama", "Niccolò", "Ottavia"),
        ("Belfontana", "Carradori", "Malaspada", "Verdalto"),
    ),
    Culture(
        "French",
        "French",
        (9, 11, 12, 19),
        (Period("", 1570, 1925),),
        ("painting", "paper", "furniture", "photograph", "ceramic"),
        "France",
        ("Paris", "Sèvres", "Lyon"),
        ("Anselme", "Clémence", "Hippolyte", "Théodora"),
        ("Beaucourtil", "Desmarets-Lannoy", "Fontelle", "Vauquière"),
    ),
    Culture(
        "British",
        "British",
        (9, 12, 19),
        (Period("", 1650, 1920),),
        ("paper", "metal", "ceramic", "photograph", "furniture"),
        "United Kingdom",
        ("London", "Staffordshire", "Birmingham"),
        ("Abigail", "Jeremiah", "Rosamund", "Thaddeus"),
        ("Ashgrove", "Copplestone", "Hathermere", "Wrenlow"),
    ),
    Culture(
        "German, Nuremberg",
        "German",
        (4, 9, 17),
        (Period("", 1380, 1690),),
        ("paper", "arms", "metal", "sculpture"),
        "Germany",
        ("Nuremberg", "Augsburg"),
        ("Barthel", "Kunigunde", "Ulrich"),
        ("Eisenlohe", "Grünwalder", "Strobelin"),
    ),
    Culture(
        "Dutch",
        "Dutch",
        (9, 11),
        (Period("", 1590, 1760),),
        ("painting", "paper", "ceramic"),
        "Netherlands",
        ("Delft", "Haarlem", "Leiden"),
        ("Aert", "Geertruid", "Joost", "Maria"),
        ("van der Kolk", "Ruysenaer", "ter Hofstede", "Zwanenburgh"),
    ),
    Culture(
        "American",
        "American",
        (1, 19),
        (Period("", 1690, 1925),),
        ("furniture", "metal", "textile", "photograph", "painting"),
        "United States",
        ("Boston", "Philadelphia", "Newport"),
        ("Ephraim", "Lavinia", "Obadiah", "Prudence"),
        ("Calloway-Reed", "Fenwright", "Marblethorpe", "Stillwater"),
    ),
    Culture(
        "Moche",
        "Moche",
        (5,),
        (Period("Early Intermediate", 100, 800),),
        ("ceramic", "metal", "textile"),
        "Peru",
        ("Moche Valley", "Chicama"),
    ),
    Culture(
        "Edo peoples",
        "Edo",
        (5,),
        (Period("", 1500, 1890),),
        ("metal", "sculpture", "instrument"),
        "Nigeria",
        ("Court of Benin",),
    ),
)

MODERN: tuple[Culture, ...] = (
    Culture(
        "American",
        "American",
        (19, 21),
        (Period("", 1931, 2000),),
        ("painting", "paper", "photograph", "sculpture"),
        "United States",
        ("New York", "Chicago"),
        ("Delphine", "Marcus", "Ottoline", "Ray"),
        ("Abernethy-Cole", "Drumlin", "Okonjowa", "Sandoval-Pryce"),
    ),
    Culture(
        "Mexican",
        "Mexican",
        (9, 21),
        (Period("", 1931, 2000),),
        ("painting", "paper", "textile"),
        "Mexico",
        ("Mexico City", "Oaxaca"),
        ("Benita", "Evaristo", "Leocadia"),
        ("Armendáriz Luna", "Quintanabrava", "Zubirán Olmedo"),
    ),
)
"""Cultures of the works that may still be under copyright."""

MOTIFS = (
    "Birds", "Cranes", "Lotus", "Peonies", "Dragons", "Deer", "Grapevines", "Acanthus", "Fish", "Horsemen", "Lions",
    "Bamboo", "Waves", "Stars", "Pomegranates", "Sphinxes", "Dancers", "Butterflies", "Palmettes", "Hounds",
)  # fmt: skip
ANIMALS = ("Duck", "Ram", "Crab", "Owl", "Hare", "Monkey", "Bull", "Frog", "Falcon", "Hedgehog", "Jaguar", "Dolphin")
FIGURES = ("Shepherd", "Scribe", "Standing Woman", "Flute Player", "Saint", "Warrior", "Child", "Weaver", "Bearded Man")
SCENES = (
    "Moonrise over the Harbor", "Travelers in a Snowy Pass", "The Music Lesson", "Ferry at the River Bend",
    "Market Day", "The Astronomer's Table", "Plum Tree in the Mist", "Ruins with a Well", "The Lace Maker",
    "Harvest before the Storm", "Garden Wall at Noon", "The Empty Theater", "Night Fishing", "A Scholar's Retreat",
)  # fmt: skip
DONORS = ("Ottway", "Harlandsen", "Bellweather", "Crandallis", "Montrésor", "Pickworth", "Szabolinsky", "Tremontaine")
TAGS = {
    "Birds": 300266506, "Deer": 300250130, "Dragons": 300375726, "Fish": 300266120, "Lions": 300310388,
    "Men": 300025928, "Women": 300025943, "Flowers": 300132399, "Landscapes": 300015636, "Portraits": 300015637,
}  # fmt: skip
"""Subject terms with their numbers in the Art & Architecture Thesaurus."""
