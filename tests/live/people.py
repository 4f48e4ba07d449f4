"""Those who work on both sides at the same time: staff in Tryton, agents over Banyan's REST API. All is journalled."""

import copy
import dataclasses
import http.client
import json
import random
import threading
import time
import urllib.parse
import uuid

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
}
MODELS = {
    "account": "party.party",
    "address": "party.address",
    "contact_point": "party.contact_mechanism",
    "opportunity": "sale.opportunity",
}
_LEGACY_MARKED = {"account": "name", "address": "name", "contact_point": "name", "opportunity": "reference"}
_WORDS = ("Alder", "Birch", "Cedar", "Elm", "Hazel", "Juniper", "Larch", "Maple", "Rowan", "Willow")


@dataclasses.dataclass
class Item:
    mark: str
    entity: str
    account: "Item | None" = None
    ids: dict = dataclasses.field(default_factory=dict)  # side -> id, as far as known
    gone: bool = False

    @property
    def parent(self):
        return self.account.mark if self.account and self.entity in ("address", "contact_point") else ""


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
        entity = self._rng.choice(("account", "address", "contact_point", "opportunity"))
        account = None if entity == "account" else self._register.pick(self._rng, "account")
        if account is not None and not self.find(account):
            return
        if account is None:
            entity = "account"
        item = Item(self._journal.new_item(), entity, account)
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
        [entity] = self._rng.choices(("address", "contact_point", "account", "opportunity"), (4, 4, 1, 1))
        item = self._register.pick(self._rng, entity)
        if item is not None and self.find(item):
            self._delete(item)

    def value(self, item, field, edit):
        if field == "postal_code":
            return edit.token
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

    def find(self, item):
        if "legacy" not in item.ids:
            domain = [[_LEGACY_MARKED[item.entity], "like", f"%{item.mark}%"], ["active", "in", [True, False]]]
            if item.entity == "opportunity":
                domain.pop()
            found = self._ask(item.entity, "search", domain)
            if found:
                item.ids["legacy"] = found[0]
        return "legacy" in item.ids

    def toggle(self):
        item = self._register.pick(self._rng, self._rng.choice(("address", "contact_point", "account", "opportunity")))
        if item is None or not self.find(item):
            return
        if item.entity == "opportunity":
            self._ask(item.entity, self._rng.choice(("opportunity", "lost", "lead")), [item.ids["legacy"]])
        else:
            self._ask(item.entity, "write", [item.ids["legacy"]], {"active": self._rng.random() < 0.6})

    def _create(self, item, edit, values):
        fields = {FIELDS[item.entity][field]: value for field, value in values.items()}
        fields.setdefault(_LEGACY_MARKED[item.entity], item.mark)
        nested = []
        if item.entity == "contact_point":
            fields["type"] = "other"
        if item.account:
            fields["party"] = item.account.ids["legacy"]
        if item.entity == "account" and self._rng.random() < 0.7:
            nested = self._nest(item, fields)
        result = self._call(item.entity, "create", [fields])
        for made, begun in [(item, edit), *nested]:
            self._settle(begun, result)
            if result.state != "refused":
                self._register.add(made)
        if result.state == "acknowledged":
            item.ids["legacy"] = result.value[0]

    def _nest(self, account, fields):
        """A new party often comes with its address and its telephone number, in one call."""
        nested = []
        for entity, members in (("address", "addresses"), ("contact_point", "contact_mechanisms")):
            item = Item(self._journal.new_item(), entity, account)
            edit = self._begin(item, "create", FIELDS[entity])
            values = {FIELDS[entity][field]: self.value(item, field, edit) for field in FIELDS[entity]}
            values["name"] = item.mark
            if entity == "contact_point":
                values["type"] = "other"
            fields[members] = [["create", [values]]]
            nested.append((item, edit))
        return nested

    def _edit(self, item, edit, values):
        id_ = item.ids["legacy"]
        context = {}
        if self._rng.random() < 0.5:  # as the web client does
            rows = self._ask(item.entity, "read", [id_], ["_timestamp"])
            if not rows:
                return self._journal.refused(edit)
            context["_timestamp"] = {f"{MODELS[item.entity]},{id_}": rows[0]["_timestamp"]}
        edit.begin = time.time()
        fields = {FIELDS[item.entity][field]: value for field, value in values.items()}
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


@dataclasses.dataclass
class Result:
    state: str  # acknowledged, refused, unknown
    value: object = None


class Agent(Person):
    """Edits records over the REST API with care: reads, sends the version, repeats on 412 and on silence."""

    side = "modern"

    def find(self, item):
        if "modern" not in item.ids:
            query = urllib.parse.urlencode({f"filter[{MARKED[item.entity]}][contains]": item.mark})
            status, _, answer = self._once("GET", f"/api/records/{item.entity}?{query}")
            if status == 200 and answer["records"]:
                item.ids["modern"] = answer["records"][0]["id"]
        return "modern" in item.ids

    def toggle(self):
        item = self._register.pick(self._rng, self._rng.choice(("address", "contact_point", "account", "opportunity")))
        if item is None or not self.find(item):
            return
        change = {"active": self._rng.random() < 0.6}
        if item.entity == "opportunity":
            change = {"stage": self._rng.choice(("lead", "lost"))}
        self._once("PATCH", self._path(item), {"data": change}, {"If-Match": "*"})

    def _create(self, item, edit, values):
        data = {MARKED[item.entity]: item.mark, **values}
        if item.entity == "contact_point":
            data["kind"] = "other"
        if item.entity == "opportunity":
            data["stage"] = "lead"
        if item.account:
            data["account"] = item.account.ids["modern"]
        item.ids["modern"] = str(uuid.uuid4())
        self._register.add(item)
        body = {"id": item.ids["modern"], "data": data}

        def attempt(is_repeat):
            status = self._once("POST", f"/api/records/{item.entity}", body)[0]
            return 200 if is_repeat and status == 409 else status

        self._persist(edit, attempt)

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
