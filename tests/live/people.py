"""Those who work on both sides at the same time: staff in Tryton, agents over Banyan's REST API. All is journalled."""

import copy
import dataclasses
import decimal
import http.client
import json
import random
import threading
import time
import urllib.parse
import uuid

from journal import COUNTED
from sides import MARKED
from world import seed
from world.ports import LOOPBACK
from world.rpc import Client, RpcError

_PATIENCE_SECONDS = 25  # with one edit, before an agent gives up
_RECENT = 60  # items that people work on: few enough to meet there

# Fields that carry tokens: of the record -> of Tryton.
FIELDS = {
    "account": {"name": "name"},
    "address": {"street": "street", "city": "city", "postal_code": "postal_code"},
    "contact_point": {"value": "value", "comment": "comment"},
    "opportunity": {"name": "description", "comment": "comment", "lost_reason": "lost_reason"},
    "quote": {"name": "description", "comment": "comment"},
    "quote_line": {
        "description": "description",
        "comment": "note",
        "quantity": "quantity",
        "unit_price": "unit_price",
    },
}
MODELS = {
    "account": "party.party",
    "address": "party.address",
    "contact_point": "party.contact_mechanism",
    "opportunity": "sale.opportunity",
    "quote": "sale.sale",
    "quote_line": "sale.line",
    "product": "product.product",
}
_LEGACY_MARKED = {entity: FIELDS[entity].get(field, field) for entity, field in MARKED.items()}
# What a record is made for.
_WHOLES = {
    "address": "account",
    "contact_point": "account",
    "opportunity": "account",
    "quote": "account",
    "quote_line": "quote",
}
_PARTS = ("address", "contact_point", "quote_line")  # that go when their whole goes
_LEGACY_WHOLE = {"quote_line": "sale"}  # the many2one; of all others: party
_ACTIVE = ("account", "address", "contact_point")  # can be archived
_WORDS = ("Alder", "Birch", "Cedar", "Elm", "Hazel", "Juniper", "Larch", "Maple", "Rowan", "Willow")


@dataclasses.dataclass
class Item:
    mark: str
    entity: str
    whole: "Item | None" = None
    ids: dict = dataclasses.field(default_factory=dict)  # side -> id, as far as known
    gone: bool = False
    stays: bool = False  # Tryton deletes no party that has sales

    @property
    def parent(self):
        return self.whole.mark if self.whole and self.entity in _PARTS else ""


class Register:
    """The items that people know of. Any thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self._items = []

    def add(self, item):
        with self._lock:
            self._items.append(item)

    def pick(self, rng, entity):
        with self._lock:
            items = [item for item in self._items if item.entity == entity and not item.gone][-_RECENT:]
        return rng.choice(items) if items else None


class MovingClient(Client):
    """One login that is used at several addresses."""

    def at(self, port):
        there = copy.copy(self)
        there._address = (LOOPBACK, port)
        return there


class Person:
    """Works until told to stop. A fault in here is a fault of the test: `fault` holds it."""

    side = ""
    pause_seconds = (0.02, 0.3)  # between two deeds: least and most

    def __init__(self, name, site, journal, register, random_seed):
        self.name = name
        self.fault = None
        self._site = site
        self._journal = journal
        self._register = register
        self._rng = random.Random(f"{random_seed} {name}")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stopping.set()

    def join(self):
        self._thread.join()

    def _run(self):
        try:
            while not self._stopping.is_set():
                self.work()
                self._stopping.wait(self._rng.uniform(*self.pause_seconds))
        except Exception as error:  # pylint: disable=broad-except
            self.fault = error
            raise

    def work(self):
        deeds = ((self.create, 22), (self.edit, 62), (self.toggle, 8), (self.delete, 8))
        [deed] = self._rng.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])
        deed()

    def create(self):
        entity = self._rng.choice(tuple(FIELDS))
        whole = self._register.pick(self._rng, _WHOLES[entity]) if entity in _WHOLES else None
        if whole is not None and not self.find(whole):
            return
        if whole is None:
            entity = "account"
        elif entity == "quote":
            whole.stays = True
        item = Item(self._journal.new_item(), entity, whole)
        edit = self._begin(item, "create", FIELDS[entity])
        self._create(item, edit, {field: self.value(item, field, edit) for field in FIELDS[entity]})

    def edit(self):
        entity = self._rng.choice(tuple(FIELDS))
        item = self._register.pick(self._rng, entity)
        if item is None or not self.find(item):
            return
        fields = list(FIELDS[entity])
        chosen = fields if self._rng.random() < 0.2 else [self._rng.choice(fields)]
        edit = self._begin(item, "edit", chosen)
        self._edit(item, edit, {field: self.value(item, field, edit) for field in chosen})

    def delete(self):
        shares = {"address": 4, "contact_point": 4, "quote_line": 4, "account": 1, "opportunity": 1, "quote": 1}
        [entity] = self._rng.choices(tuple(shares), tuple(shares.values()))
        item = self._register.pick(self._rng, entity)
        if item is not None and not item.stays and self.find(item):
            self._delete(item)

    def value(self, item, field, edit):
        if field == "postal_code":
            return edit.token
        if field in COUNTED:
            return edit.token.strip("[e]")
        value = f"{self._rng.choice(_WORDS)} {self._rng.randrange(100)} {edit.token}"
        return f"{item.mark} {value}" if MARKED[item.entity] == field else value

    def _begin(self, item, kind, fields):
        return self._journal.begin(item.mark, item.entity, kind, fields, self.side, item.parent)


class Staff(Person):
    """A user of Tryton. `through`: share of the calls that go through Banyan."""

    side = "legacy"

    def __init__(self, name, site, journal, register, random_seed, login, through):
        super().__init__(name, site, journal, register, random_seed)
        self._through = through
        self._login = login
        self._direct = None
        self._articles = None

    def find(self, item):
        if "legacy" not in item.ids:
            domain = [[_LEGACY_MARKED[item.entity], "like", f"%{item.mark}%"], ["active", "in", [True, False]]]
            if item.entity not in _ACTIVE:
                domain.pop()
            found = self._ask(item.entity, "search", domain)
            if found:
                item.ids["legacy"] = found[0]
        return "legacy" in item.ids

    def toggle(self):
        item = self._register.pick(self._rng, self._rng.choice((*_ACTIVE, "opportunity", "quote")))
        if item is None or not self.find(item):
            return
        if item.entity == "opportunity":
            self._ask(item.entity, self._rng.choice(("opportunity", "lost", "lead")), [item.ids["legacy"]])
        elif item.entity == "quote":
            for button in ("cancel", "draft"):
                self._ask(item.entity, button, [item.ids["legacy"]])
        else:
            self._ask(item.entity, "write", [item.ids["legacy"]], {"active": self._rng.random() < 0.6})

    def _create(self, item, edit, values):
        fields = self._row(item, values)
        if item.whole:
            fields[_LEGACY_WHOLE.get(item.entity, "party")] = item.whole.ids["legacy"]
        nested = []
        if item.entity in ("account", "quote") and self._rng.random() < 0.7:
            nested = self._nest(item, fields)
        result = self._call(item.entity, "create", [fields])
        for made, begun in [(item, edit), *nested]:
            self._settle(begun, result)
            if result.state != "refused":
                self._register.add(made)
        if result.state == "acknowledged":
            item.ids["legacy"] = result.value[0]

    def _row(self, item, values):
        row = {FIELDS[item.entity][field]: _typed(field, value) for field, value in values.items()}
        row.setdefault(_LEGACY_MARKED[item.entity], item.mark)
        if item.entity == "contact_point":
            row["type"] = "other"
        if item.entity == "quote_line":
            row |= self._article()
        return row

    def _nest(self, whole, fields):
        """A new party often comes with its address and its telephone number, and a sale with its lines, in one call."""
        lists = {"addresses": "address", "contact_mechanisms": "contact_point"}
        if whole.entity == "quote":
            lists = {"lines": "quote_line"}
        nested = []
        for members, entity in lists.items():
            item = Item(self._journal.new_item(), entity, whole)
            edit = self._begin(item, "create", FIELDS[entity])
            values = {field: self.value(item, field, edit) for field in FIELDS[entity]}
            fields[members] = [["create", [self._row(item, values)]]]
            nested.append((item, edit))
        return nested

    def _article(self):
        """The product of a line, which few lines lack."""
        if self._articles is None:
            fields = ["default_uom"]
            self._articles = self._ask("product", "search_read", [["default_uom.digits", ">", 0]], 0, 5, None, fields)
        if not self._articles or self._rng.random() < 0.2:
            return {}
        article = self._rng.choice(self._articles)
        return {"product": article["id"], "unit": article["default_uom"]}

    def _edit(self, item, edit, values):
        id_ = item.ids["legacy"]
        context = {}
        if self._rng.random() < 0.5:  # as the web client does
            rows = self._ask(item.entity, "read", [id_], ["_timestamp"])
            if not rows:
                return self._journal.refused(edit)
            context["_timestamp"] = {f"{MODELS[item.entity]},{id_}": rows[0]["_timestamp"]}
        in_form = item.entity == "quote_line" and self._rng.random() < 0.5 and self.find(item.whole)
        edit.begin = time.time()
        fields = {FIELDS[item.entity][field]: _typed(field, value) for field, value in values.items()}
        if in_form:  # the web client saves lines with their sale
            lines = {"lines": [["write", [id_], fields]]}
            return self._settle(edit, self._call("quote", "write", [item.whole.ids["legacy"]], lines, **context))
        self._settle(edit, self._call(item.entity, "write", [id_], fields, **context))

    def _delete(self, item):
        if item.entity == "opportunity":
            self._ask(item.entity, "cancel", [item.ids["legacy"]])
        edit = self._begin(item, "delete", ())
        result = self._call(item.entity, "delete", [item.ids["legacy"]])
        if result.state != "refused":
            item.gone = True
        self._settle(edit, result)

    def _settle(self, edit, result):
        getattr(self._journal, result.state)(edit)

    def _ask(self, entity, method, *arguments):
        return self._call(entity, method, *arguments).value

    def _call(self, entity, method, *arguments, **context):
        through = self._rng.random() < self._through
        try:
            if self._direct is None:
                client = MovingClient(LOOPBACK, self._site.world.tryton.port, self._site.database, timeout_seconds=20)
                self._direct = client.login(self._login, seed.PASSWORD)
            port = self._rng.choice(self._site.nodes).port if through else self._site.world.tryton.port
            client = self._direct.at(port)
            return Result("acknowledged", client.model(MODELS[entity], method, *arguments, **context))
        except ConnectionRefusedError:
            return Result("refused")
        except RpcError as error:
            if error.kind == "HTTP 401":
                self._direct = None
            return Result("unknown" if error.kind.startswith("HTTP 5") else "refused")
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return Result("unknown")


def _typed(field, value):
    """As Tryton's JSON has it."""
    return float(value) if field == "quantity" else decimal.Decimal(value) if field == "unit_price" else value


@dataclasses.dataclass
class Result:
    state: str  # acknowledged, refused, unknown
    value: object = None


class Agent(Person):
    """Edits records over the REST API with care: reads, sends the version, repeats on 412 and on silence."""

    side = "modern"
    _articles = None

    def find(self, item):
        if "modern" not in item.ids:
            query = urllib.parse.urlencode({f"filter[{MARKED[item.entity]}][contains]": item.mark})
            status, _, answer = self._once("GET", f"/api/records/{item.entity}?{query}")
            if status == 200 and answer["records"]:
                item.ids["modern"] = answer["records"][0]["id"]
        return "modern" in item.ids

    def toggle(self):
        item = self._register.pick(self._rng, self._rng.choice(tuple(FIELDS)))
        if item is None or not self.find(item):
            return
        change = {"active": self._rng.random() < 0.6}
        if item.entity == "opportunity":
            change = {"stage": self._rng.choice(("lead", "lost"))}
        elif item.entity == "quote":
            change = {"date": f"2026-11-{self._rng.randrange(1, 31):02}"}
        elif item.entity == "quote_line":
            change = {"sequence": self._rng.randrange(1, 10)}
        self._once("PATCH", self._path(item), {"data": change}, {"If-Match": "*"})

    def _create(self, item, edit, values):
        data = {MARKED[item.entity]: item.mark, **values}
        if item.entity == "contact_point":
            data["kind"] = "other"
        if item.entity == "opportunity":
            data["stage"] = "lead"
        if item.entity == "quote":
            data["state"] = "draft"
        if item.entity == "quote_line":
            data |= self._article()
        if item.whole:
            data[_WHOLES[item.entity]] = item.whole.ids["modern"]
        item.ids["modern"] = str(uuid.uuid4())
        self._register.add(item)
        body = {"id": item.ids["modern"], "data": data}

        def attempt(is_repeat):
            status = self._once("POST", f"/api/records/{item.entity}", body)[0]
            return 200 if is_repeat and status == 409 else status

        self._persist(edit, attempt)

    def _article(self):
        if self._articles is None:
            status, _, answer = self._once("GET", "/api/records/product?filter[unit]=h")
            self._articles = [record["id"] for record in answer["records"]] if status == 200 else None
        if not self._articles or self._rng.random() < 0.2:
            return {}
        return {"product": self._rng.choice(self._articles), "unit": "h"}

    def _edit(self, item, edit, values):
        def attempt(is_repeat):
            status, headers, record = self._once("GET", self._path(item))
            if status != 200:
                return status if status in (404, 410) else 503  # nothing has been sent
            if is_repeat and all(record["data"].get(field) == value for field, value in values.items()):
                return 200
            return self._once("PATCH", self._path(item), {"data": values}, {"If-Match": headers["ETag"]})[0]

        self._persist(edit, attempt)

    def _delete(self, item):
        if item.entity == "opportunity":
            return  # Tryton deletes none that was not cancelled: the mapping sends no deletes there
        edit = self._begin(item, "delete", ())

        def attempt(is_repeat):
            status = self._once("DELETE", self._path(item))[0]
            return 200 if is_repeat and status in (404, 410) else status

        self._persist(edit, attempt)
        item.gone = not edit.refused

    def _persist(self, edit, attempt):
        """Repeats until there is an answer, and journals the outcome."""
        first = edit.begin
        end = time.monotonic() + _PATIENCE_SECONDS
        may_have_happened = False
        while time.monotonic() < end:
            edit.begin = time.time()
            status = attempt(may_have_happened)
            if status in (200, 201, 204):
                return self._journal.acknowledged(edit)
            if status in (404, 409, 410, 422) and not may_have_happened:
                return self._journal.refused(edit)
            if status in (404, 410, 422):
                break
            may_have_happened = may_have_happened or status in (0, 500, 502, 504)
            self._stopping.wait(self._rng.uniform(0.05, 0.4))
        edit.begin = first
        if may_have_happened:
            self._journal.unknown(edit)
        else:
            self._journal.refused(edit)

    def _path(self, item):
        return f"/api/records/{item.entity}/{item.ids['modern']}"

    def _once(self, method, path, body=None, headers=None):
        """(status, headers, body); status 0: sent, and no answer came; 503: not sent."""
        try:
            return self._rng.choice(self._site.nodes).api(method, path, body, headers)
        except ConnectionRefusedError:
            return 503, {}, None
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return 0, {}, None
