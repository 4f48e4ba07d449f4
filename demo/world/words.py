"""The words that the made-up data is put together from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """What an opportunity is about, and what it may cost in euro."""

    title: str
    least: int
    most: int


@dataclass(frozen=True)
class Article:
    """What can be put on a quote."""

    code: str
    name: str
    kind: str  # goods, service
    unit: str  # symbol
    price: str


STEMS = (
    "Alster", "Birkenhof", "Calder", "Dornfeld", "Eichberg", "Fairwater", "Grünwald", "Harrow", "Isarwerk",
    "Juniper", "Kestrel", "Lindental", "Marwick", "Nordhafen", "Oakridge", "Pennine", "Quellmann", "Rosenau",
    "Silbersee", "Thornbury", "Ulmenhof", "Vosskamp", "Westerholt", "Ashdown", "Zollhaus",
)
BRANCHES = (
    "Logistics", "Bakery", "Medical", "Foods", "Engineering", "Textiles", "Energy", "Print", "Furniture", "Optics",
    "Farms", "Shipping", "Ceramics", "Software", "Catering", "Packaging", "Tools", "Pharma", "Interiors", "Recycling",
)
LEGAL_FORMS = ("GmbH", "AG", "KG", "GmbH & Co. KG", "Ltd", "plc", "LLP")

FIRST_NAMES = (
    "Anna", "Ben", "Clara", "David", "Elif", "Felix", "Greta", "Hannes", "Ida", "Jonas", "Katja", "Leon", "Mira",
    "Nils", "Olga", "Paul", "Ruth", "Sami", "Thea", "Viktor", "Wanda", "Amira", "Oliver", "Priya", "George", "Zoë",
)
LAST_NAMES = (
    "Albrecht", "Bennett", "Çelik", "Dietrich", "Evans", "Fischer", "Graham", "Hoffmann", "Ilić", "Jansen", "Kowalski",
    "Lehmann", "Murray", "Nowak", "O'Connor", "Petersen", "Rashid", "Schröder", "Turner", "Vogel", "Weiß", "Young",
)

GERMAN_STREETS = (
    "Gartenstraße", "Hafenstraße", "Am Alten Markt", "Lindenallee", "Bahnhofstraße", "Mühlenweg", "Industriestraße",
    "Schillerstraße", "Kirchplatz", "Werftstraße", "Beethovenring", "Feldweg",
)
BRITISH_STREETS = (
    "Mill Lane", "Station Road", "Canal Street", "Victoria Street", "Foundry Row", "Church Walk", "Dock Road",
    "Park Avenue", "Queen's Gate", "Bridge Street",
)

SUBJECTS = (
    Subject("Handheld scanners", 4_000, 38_000),
    Subject("Warehouse racking", 12_000, 160_000),
    Subject("Service contract renewal", 2_500, 45_000),
    Subject("Forklift leasing", 18_000, 210_000),
    Subject("Label printers", 1_500, 22_000),
    Subject("Cold-room monitoring", 6_000, 75_000),
    Subject("Dock levellers", 15_000, 130_000),
    Subject("Picking robots pilot", 60_000, 480_000),
    Subject("Safety training", 1_200, 14_000),
    Subject("Inventory audit", 3_000, 26_000),
    Subject("Conveyor upgrade", 35_000, 320_000),
    Subject("Fleet telematics", 5_000, 95_000),
    Subject("Packaging line retrofit", 28_000, 260_000),
    Subject("Spare parts framework", 8_000, 120_000),
    Subject("LED hall lighting", 4_500, 60_000),
    Subject("Access control system", 7_000, 88_000),
)
SCOPES = (
    "for the main site", "for two branches", "for the new hall", "2026", "phase 1", "phase 2", "after tender",
    "for the night shift", "replacement", "extension", "for three warehouses", "trial", "follow-up order",
)
COMMENTS = (
    "Met at the trade fair; asked for a visit.",
    "Wants references from the same industry first.",
    "Budget is decided at the end of the quarter.",
    "Purchasing leads, the site manager decides.",
    "Second offer sent, waits for the board.",
    "Came over the web form.",
    "Existing customer, knows our service team.",
    "Competitor is in the house until spring.",
    "Asked for leasing and for purchase side by side.",
    "",
)
LOST_REASONS = (
    "A competitor was cheaper by 12 percent.",
    "Budget was cut.",
    "Delivery time too long.",
    "Went with the supplier they already have.",
    "Project was put off to next year.",
)

ARTICLES = (
    Article("SCAN-1", "Handheld scanner", "goods", "u", "389.00"),
    Article("RACK-25", "Pallet rack bay, 2.5 m", "goods", "u", "214.50"),
    Article("LABEL-4", "Label printer, four inches", "goods", "u", "545.00"),
    Article("SENSOR-C", "Cold-room sensor", "goods", "u", "79.90"),
    Article("CABLE-6", "Data cable", "goods", "m", "1.85"),
    Article("FIT", "Installation by a fitter", "service", "h", "74.00"),
    Article("TRAIN", "Training day on site", "service", "d", "960.00"),
    Article("CARE", "Service hour", "service", "h", "92.00"),
)
PAYMENT_TERMS = {"14 days net": 14, "30 days net": 30}
