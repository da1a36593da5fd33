"""What businesses call our tables and columns: synonyms as data, and how names are compared."""

from __future__ import annotations

import re
from functools import cache

TABLE_NAMES: dict[str, tuple[str, ...]] = {
    "customers": (
        "customer",
        *("user", "client", "account", "member", "subscriber", "student", "company", "tenant"),
        *("organization", "organisation", "profile", "buyer", "person", "people", "patient"),
        *("donor", "player", "guest", "learner", "policyholder", "household", "workspace"),
    ),
    "subscriptions": (
        "subscription",
        *("contract", "membership", "policy", "enrollment", "enrolment", "registration"),
        *("plan history", "subscription history", "lease", "license", "licence", "agreement"),
    ),
    "usage": (
        "usage",
        *("event", "activity", "log", "session", "clickstream", "feature usage", "user log"),
        *("login", "visit", "click", "view", "page view", "interaction", "stream", "play"),
        *("call", "checkin", "check in", "attendance", "booking", "track", "watch", "workout"),
        *("engagement", "behavior", "behaviour", "listen", "ride", "trip", "consumption"),
        *("usage event", "product event", "app event", "web event"),
    ),
    "payments": (
        "payment",
        *("invoice", "order", "transaction", "purchase", "charge", "billing", "sale", "bill"),
        *("receipt", "donation", "billing event", "payment event", "order history", "premium"),
    ),
    "tickets": (
        "ticket",
        *("support ticket", "case", "support case", "complaint", "incident", "issue"),
        *("service request", "support request", "helpdesk", "support"),
    ),
    "surveys": (
        "survey",
        *("nps", "csat", "feedback", "rating", "assessment", "review", "survey response"),
        *("nps response", "satisfaction", "score"),
    ),
    "contacts": (
        "contact",
        *("campaign", "outreach", "contact history", "campaign contact", "campaign member"),
        *("retention campaign", "retention offer", "intervention"),
    ),
    "churned": (
        "churned",
        *("churn", "churn event", "cancellation", "withdrawal", "churned customer", "attrition"),
        *("customer churn", "churned user", "cancellation request", "termination", "departure"),
        *("lost customer", "unsubscribe", "deregistration", "leaver"),
    ),
}
"""By table, what it is called elsewhere: words in the singular, the likelier ones first."""

PERSON = (
    *("customer", "client", "account", "user", "member", "subscriber", "student", "cust"),
    *("company", "tenant", "organization", "organisation", "org", "workspace", "household"),
    *("buyer", "shopper", "person", "patient", "donor", "player", "guest", "learner"),
    *("policyholder", "holder", "consumer"),
)
KEY_WORDS = ("id", "no", "nr", "number", "num", "key", "code", "ref", "uuid", "guid", "uid")

CUSTOMER_ID = (
    *(f"{person} {key}" for person in PERSON for key in ("id", "no", "nr", "number", "num")),
    *(f"{person} {key}" for person in PERSON for key in ("key", "code", "ref", "uuid", "guid")),
    *PERSON,
    *("msno", "uid", "uuid", "kunden id", "kundennummer", "klant id", "klantnummer"),
)
EMAILS = (
    *(f"{person} email" for person in ("customer", "user", "member", "account")),
    *("email", "email address"),
)
"""A last resort: people change them, but some exports name customers by nothing else."""

OCCURRED = (
    *("occurred at", "timestamp", "event time", "event timestamp", "event date", "created at"),
    *("date", "datetime", "time", "created", "created date", "usage date", "ts", "day"),
    *("activity date", "log date", "session start", "started at", "start time", "login at"),
    *("visited at", "logged at", "visit date", "call date", "start date", "at", "when"),
)

SIGNED_UP = (
    *("signed up at", "signup date", "sign up date", "signup at", "signup", "signup time"),
    *("registered at", "registration date", "registered on", "registered", "registration"),
    *("registration init time", "registration time", "date registration"),
    *("joined at", "join date", "joined", "joined on", "date joined", "joining date"),
    *("member since", "customer since", "since", "client since", "user since"),
    *("created at", "created", "created date", "creation date", "date created"),
    *("created on", "account created", "enrolled at", "enrollment date", "enrolment date"),
    *("onboarded at", "onboarding date", "activated at", "activation date"),
    *("first seen", "first seen at", "first purchase", "first purchase date"),
    *("first order", "first order date", "start date", "started at", "opened at"),
    *("subscription start", "subscription start date", "contract start", "tenure start"),
    *("account open date", "open date", "opening date", "date"),
)

COLUMN_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "customers": {
        "customer_id": (*CUSTOMER_ID, "id", *EMAILS),
        "signed_up_at": SIGNED_UP,
        "contact_allowed": (
            *("contact allowed", "marketing consent", "consent", "opt in", "opted in"),
            *("marketing opt in", "accepts marketing", "email opt in", "can contact"),
            *("gdpr consent", "allow contact", "newsletter consent"),
        ),
    },
    "subscriptions": {
        "customer_id": (*CUSTOMER_ID, *EMAILS),
        "subscription_id": (
            *("subscription id", "contract id", "policy id", "membership id", "sub id"),
            *("subscription", "subscription no", "subscription number", "contract no"),
            *("contract number", "policy no", "policy number", "membership no", "agreement id"),
            *("enrollment id", "enrolment id", "license id", "lease id", "id"),
        ),
        "started_at": (
            *("started at", "start date", "start", "starts at", "started", "start time"),
            *("begin date", "begin", "valid from date", "from", "from date", "effective date"),
            *("contract start", "contract start date", "subscription start", "inception date"),
            *SIGNED_UP,
        ),
        "ended_at": (
            *("ended at", "end date", "end", "ends at", "ended", "end time", "churn date"),
            *("churned at", "left at", "left", "leave date", "leaving date", "left on"),
            "exit date",
            *("termination date", "terminated at", "to date", "to", "until", "valid to"),
            *("cancellation date", "cancel date", "cancelled date", "canceled date"),
            *("membership expire date", "expiry date", "expire date", "expiration date"),
            *("expires at", "contract end", "contract end date", "subscription end"),
            *("date unregistration", "deactivated at", "closed at", "close date"),
            *("cancelled at", "canceled at", "cancelled on", "canceled on"),
        ),
        "plan": (
            *("plan", "plan tier", "plan name", "tier", "product", "product name", "package"),
            *("plan id", "payment plan", "membership type", "subscription type", "contract type"),
            *("contract", "level", "price plan", "tariff", "type"),
        ),
        "price": (
            *("price", "mrr", "mrr amount", "monthly price", "monthly fee", "monthly charge"),
            *("monthly amount", "plan price", "fee", "amount", "plan list price", "list price"),
            *("plan amount", "monthly premium", "premium", "rate", "monthly revenue"),
        ),
        "billing_period": (
            *("billing period", "billing frequency", "billing cycle", "billing interval"),
            *("interval", "frequency", "period", "plan interval", "term"),
        ),
        "auto_renew": (
            *("auto renew", "auto renewal", "auto renew flag", "is auto renew", "autorenew"),
            *("auto renew enabled", "automatic renewal", "renews automatically"),
        ),
        "renews_at": (
            *("renews at", "renewal date", "next renewal", "next renewal date", "renew date"),
            *("current period end", "current term end", "term end", "next billing date"),
        ),
        "cancelled_at": (
            *("cancelled at", "canceled at", "cancel date", "cancellation date", "cancelled on"),
            *("canceled on", "cancelled date", "canceled date", "notice date", "notice given"),
            *("notice given at", "cancel requested at", "cancellation requested at"),
        ),
        "valid_from": ("valid from", "version from", "effective from", "row valid from"),
    },
    "usage": {
        "customer_id": (*CUSTOMER_ID, *EMAILS),
        "occurred_at": OCCURRED,
        "event": (
            *("event", "event type", "event name", "action", "activity", "activity type"),
            *("feature", "feature name", "action type", "page", "page name", "screen"),
            *("event category", "session type", "type", "kind", "name", "channel", "class"),
            *("class name", "device", "device type", "category", "call type", "url", "path"),
        ),
        "value": (
            *("value", "usage count", "count", "duration", "duration minutes", "minutes"),
            *("quantity", "sum click", "clicks", "total secs", "duration seconds", "seconds"),
            *("session length", "usage duration secs", "n", "amount", "units", "hits"),
            *("duration sec", "duration secs", "duration min", "duration mins", "total seconds"),
        ),
    },
    "payments": {
        "customer_id": (*CUSTOMER_ID, *EMAILS),
        "occurred_at": (
            *("occurred at", "paid at", "payment date", "paid date", "paid on", "date paid"),
            *("transaction date", "transaction time", "invoice date", "invoiced at"),
            *("order date", "ordered at", "order purchase timestamp", "purchase date"),
            *("purchased at", "purchase time", "charged at", "charge date", "billing date"),
            *("billed at", "bill date", "sale date", "created at", "created", "created date"),
            *("date", "datetime", "timestamp", "time", "day", "processed at", "donation date"),
        ),
        "amount": (
            *("amount", "total amount", "amount paid", "paid amount", "actual amount paid"),
            *("total", "total price", "order total", "invoice total", "order amount"),
            *("order value", "invoice amount", "payment amount", "payment value", "amount due"),
            *("transaction amount", "gross", "gross amount", "net amount", "revenue", "sales"),
            *("value", "price", "sum", "charge", "grand total", "net", "cost", "spend"),
            *("purchase amount", "subtotal", "donation amount", "total charge", "fee"),
        ),
        "status": (
            *("status", "payment status", "financial status", "transaction status"),
            *("invoice status", "order status", "state", "outcome", "result"),
        ),
        "invoice_id": (
            *("invoice id", "invoice", "invoice no", "invoice number", "order id", "order no"),
            *("order number", "order", "transaction id", "charge id", "payment id", "id"),
            *("receipt id", "bill id", "purchase id", "number"),
        ),
        "due_at": ("due at", "due date", "due", "due on", "payment due", "payment due date"),
        "method": (
            *("method", "payment method", "payment method id", "payment type", "gateway"),
            *("card brand", "pay method", "payment gateway", "payment provider"),
        ),
    },
    "tickets": {
        "customer_id": (*CUSTOMER_ID, *EMAILS),
        "ticket_id": (
            *("ticket id", "case id", "ticket", "ticket no", "ticket number", "case no"),
            *("case number", "complaint id", "incident id", "issue id", "request id", "number"),
            "id",
        ),
        "opened_at": (
            *("opened at", "submitted at", "created at", "opened", "open date", "created"),
            *("created date", "opened on", "created on", "date opened", "reported at"),
            *("submitted on", "received at", "start date", "date created", "date", "timestamp"),
            *("complaint date", "incident date", "submission date", "logged at", "date received"),
        ),
        "closed_at": (
            *("closed at", "resolved at", "solved at", "closed", "close date", "closed date"),
            *("resolution date", "resolved date", "resolved", "resolved on", "closed on"),
            *("completed at", "date closed", "end date"),
        ),
        "category": (
            *("category", "type", "topic", "issue type", "ticket type", "case type", "product"),
            *("product area", "subject", "reason", "kind", "area"),
        ),
        "priority": ("priority", "urgency", "severity"),
        "csat": (
            *("csat", "satisfaction score", "satisfaction", "csat score", "satisfaction rating"),
            *("customer satisfaction rating", "rating"),
        ),
        "first_response_at": (
            *("first response at", "first reply at", "first responded at", "responded at"),
            *("first response", "first response date"),
        ),
        "reopened": ("reopened", "was reopened", "is reopened", "reopened flag"),
    },
    "surveys": {
        "customer_id": (*CUSTOMER_ID, *EMAILS),
        "occurred_at": (
            *("occurred at", "answered at", "responded at", "response date", "survey date"),
            *("submitted at", "date submitted", "submission date", "completed at", "created at"),
            *("date", "timestamp", "created", "review date", "rated at", "time", "feedback date"),
        ),
        "kind": (
            *("kind", "survey type", "type", "survey", "metric", "assessment type"),
            *("survey name", "question", "survey kind", "channel", "category"),
        ),
        "score": (
            *("score", "nps", "nps score", "rating", "csat", "csat score", "stars", "answer"),
            *("value", "grade", "mark", "points", "result", "satisfaction", "review score"),
            *("response", "satisfaction score"),
        ),
        "comment": ("comment", "comments", "feedback", "feedback text", "text", "verbatim"),
    },
    "contacts": {
        "customer_id": (*CUSTOMER_ID, *EMAILS),
        "occurred_at": ("contacted at", "contact date", "sent at", "sent on", *OCCURRED),
        "campaign": ("campaign", "campaign id", "campaign name", "program", "programme"),
        "action": ("action", "offer", "treatment", "channel", "contact type", "action type"),
        "group": ("group", "arm", "variant", "cohort", "treatment group", "test group"),
        "cost": ("cost", "costs", "contact cost", "expense"),
    },
    "churned": {
        "customer_id": (*CUSTOMER_ID, *EMAILS),
        "churned_at": (
            *("churned at", "churn date", "churned on", "cancelled at", "canceled at"),
            *("cancellation date", "cancel date", "cancelled on", "canceled on"),
            *("cancelled date", "canceled date", "withdrawal date", "withdrawn at"),
            *("date unregistration", "termination date", "terminated at", "left at"),
            *("left", "leave date", "exit date", "ended at", "end date", "closed at", "close date"),
            *("departure date", "unsubscribed at", "occurred at", "date", "timestamp"),
            *("created at", "event date", "effective date"),
        ),
        "reason": (
            *("reason", "reason code", "churn reason", "cancel reason", "cancellation reason"),
            *("leave reason", "category", "feedback"),
        ),
    },
}
"""By table and column, what it is called elsewhere, the likelier first; our own name needs none."""

LOOSE_NAMES: dict[str, tuple[str, ...]] = {
    "occurred_at": ("date", "time", "timestamp", "datetime"),
    "signed_up_at": ("signup", "registration", "registered", "joined", "since", "created"),
    "started_at": ("start", "started", "begin", "activation"),
    "ended_at": ("end", "ended", "churn", "termination", "cancellation", "expire", "expiry"),
    "opened_at": ("opened", "created", "submitted", "date"),
    "closed_at": ("closed", "resolved", "solved"),
    "churned_at": ("date", "time", "timestamp"),
    "amount": ("amount", "total", "revenue", "paid", "price"),
    "price": ("mrr", "price", "fee"),
    "score": ("score", "rating"),
    "csat": ("csat", "satisfaction"),
    "event": ("event", "feature", "action"),
    "value": ("count", "duration", "minutes", "seconds"),
}
"""By column, single words that suggest it wherever they stand in a name."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


OTHER_TIMES = _set(
    "birth dob birthday due expire expiry expiration expires end ended ends update updated modified"
    " next renew renewal deliver delivered delivery ship shipped last latest close closed cancel"
    " cancelled canceled cancellation resolved refund refunded load loaded etl ingest ingested"
    " export exported deleted churn until snapshot"
)
"""Words in the names of times that are not when a row happened."""

UNITS = _set("usd eur gbp chf inr utc gmt cet local flag")
GENERIC = _set(
    "part data chunk file export dump table csv parquet all full sample final output extract"
    " page batch split new raw clean wa fn x train test"
)
"""Words in file names that do not tell which table it is."""


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `InvoiceDate`, `invoice_date`, `Invoice date` agree."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(re.findall(r"[^\W_]+", spaced.lower()))


@cache
def joined(name: str) -> str:
    """A name without case, spaces and marks, and without units: `Amount (USD)` is `amount`."""
    kept = [word for word in words(name) if word not in UNITS]
    return "".join(kept or words(name))


@cache
def singular(word: str) -> str:
    """A word of a table's name in the singular."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    plural = word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3
    return word[:-1] if plural and word not in ("nps", "sales") else word


def series_words(name: str) -> tuple[str, ...]:
    """What the files of a series share: their words without numbers, dates and random marks."""
    kept = [word for word in words(name) if not re.fullmatch(r"[0-9a-f]{6,}|.*\d.*\d.*", word)]
    letters = [word.strip("0123456789") for word in kept]
    return tuple(word for word in letters if word)


def plain_words(name: str) -> tuple[str, ...]:
    """The words of a file's name that tell its table, in the singular: nothing generic."""
    return tuple(singular(word) for word in series_words(name) if word not in GENERIC)


def table_score(name: tuple[str, ...], table: str) -> float:
    """How well the words of a file's name suit a table: 1 for its very name, 0 for no sign."""
    scores = [_phrase_score(name, tuple(p.split())) for p in TABLE_NAMES[table]]
    first = 0.05 if scores and scores[0] == 1.0 else 0.0
    return max(scores) + first


def names_a_table(name: tuple[str, ...]) -> bool:
    """Whether these words clearly name one of our tables."""
    return any(table_score(name, table) >= 0.8 for table in TABLE_NAMES)


def _phrase_score(name: tuple[str, ...], phrase: tuple[str, ...]) -> float:
    """The last word of a name says what its rows are: support tickets are tickets."""
    phrase = tuple(singular(word) for word in phrase)
    size = len(phrase)
    if name == phrase or "".join(name) == "".join(phrase):
        return 1.0
    if name[-size:] == phrase:
        return 0.8 + 0.05 * size
    inside = any(name[i : i + size] == phrase for i in range(len(name) - size))
    return 0.5 + 0.05 * size if inside else 0.0


def column_score(theirs: str, table: str, ours: str) -> float:
    """How well their column's name suits one of ours: 0 for no sign, 3 for our very name."""
    if theirs == ours:
        return 3.0
    if joined(theirs) == joined(ours):
        return 2.5
    exact = _synonym_rank(joined(theirs), table, ours)
    if exact is not None:
        return 2.0 - 0.005 * exact
    bare = _synonym_rank(_without_table(theirs, table), table, ours)
    if bare is not None:
        return 1.4 - 0.005 * bare
    return 0.6 if _loosely(theirs, ours) else 0.0


def _synonym_rank(name: str, table: str, ours: str) -> int | None:
    return _ranks(table, ours).get(name)


@cache
def _ranks(table: str, ours: str) -> dict[str, int]:
    """By joined synonym its place; the plural of each counts as well."""
    ranks: dict[str, int] = {}
    for place, synonym in enumerate(COLUMN_NAMES[table].get(ours, ())):
        plain = joined(synonym)
        ranks.setdefault(plain, place)
        ranks.setdefault(plain + "s", place)
    return ranks


def _without_table(theirs: str, table: str) -> str:
    """`ticket_created_at` in tickets is `created_at`; `is_` and the like say nothing."""
    own = {singular(word) for name in TABLE_NAMES[table] for word in name.split()} | {"is", "the"}
    kept = [word for word in words(theirs) if singular(word) not in own and word not in UNITS]
    return "".join(kept)


def _loosely(theirs: str, ours: str) -> bool:
    found = set(words(theirs))
    hit = any(word in found for word in LOOSE_NAMES.get(ours, ()))
    strange = found & OTHER_TIMES - set(LOOSE_NAMES.get(ours, ()))
    return hit and not strange and not found & set(KEY_WORDS)
