"""The English words that titles are put together with."""

_VERBS = """
accept access activate add adjust agree alert allow analyse analyze answer appear apply approve
archive arrange ask assign attach authenticate authorise authorize avoid award back backfill batch
become belong benchmark block book borrow build bump buy cache calculate call cancel capture change
charge check choose clear click close collect combine compare complete compute configure confirm
connect contain containerise containerize convert copy correct cover create debounce decide decode
decommission decouple decrypt define delete deliver deny deploy deprecate describe detect determine
disable discard display divide document donate download draft drop earn edit email enable encode
encrypt end enforce enrich enrol enroll ensure enter escalate establish estimate evaluate exclude
expire explain export expose extend extract fetch fill filter find fix flush follow forward freeze
generate get give go grant group guide handle happen harden hash hide highlight hire hold identify
ignore implement import improve include increase index inform inject inspect install instrument
integrate introduce invalidate investigate invite isolate issue join keep label launch learn lend
let limit link list load localise localize lock log maintain make manage map mark mask match measure
meet merge migrate modernise monitor mount move normalise normalize note notify offboard offer
onboard open order organise organize override paginate parallelise parse patch pause pay perform
persist pick place plan poll post prefill preload prepare present preserve prevent preview print
prioritise process produce prompt protect provide prune publish purge push query queue raise rank
rate read rebuild receive recommend reconcile reconnect record recover redact redeem redesign
redirect reduce refactor refresh refund refuse register reject relax release reload remain remember
remind remove rename render renew rent reopen reorder repeat replace replay replicate reply report
reprint request require reschedule resend reserve reset resize resolve respect respond restore
restrict resubmit resume retain retest retire retrieve retry return reuse revert review revise
revoke rewire rework rewrite roll rotate route run sanitise sanitize save scale scan schedule search
secure see select sell send separate serialise serialize serve set share ship shorten show sign
simplify simulate skip snooze sort specify split start stay stop store stream submit subscribe
suggest summarise support suspend swap switch sync synchronise tag take talk test throttle tick tidy
tighten toggle track train transfer translate trigger trim truncate tune turn unblock undo unify
unlock unpublish unsubscribe update upgrade upload use validate verify view visit wait warn watch
wipe withdraw work write
"""
# Fair verbs, but at the head of a phrase more often a noun: "order lookup".
_NOUNS_TOO = """
access alert answer approach award back backup batch block book buy cache call change charge check
click copy cover display document download draft drop email end export filter fix flush freeze
group guide hash hire hold import index issue label launch limit link list load lock log map mark
mask match measure monitor mount note offer open order patch pause pay place plan poll post present
preview print process produce prompt query queue rank rate read record refund release remedy rent
repeat reply report request reserve reset retest return review roll route run sample save scale
scan schedule search set share ship show sign sort split start stop store stream support swap
switch sync tag talk test tick toggle track train transfer trigger trim turn update upgrade upload
use view visit wait watch work
"""
_PEOPLE = """
accountant admin administrator adult agent analyst applicant approver artist assistant attendee
auditor author buyer caller candidate caregiver carrier cashier chef child children citizen clerk
client coach coaches colleague consultant contributor cook coordinator courier customer designer
developer doctor donor driver editor employee engineer farmer guest host instructor investor
kid kids teen teenager grandparent mom dad
learner lender librarian manager member merchant moderator neighbor neighbour nurse officer
operator organiser organizer owner parent participant partner passenger patient patron pharmacist
physician pilot planner player provider publisher pupil reader recipient renter reporter
researcher resident reviewer rider scientist seller sender shopper steward student subscriber
supervisor supplier supporter teacher team technician tenant therapist trainee traveler traveller
user vendor viewer visitor volunteer worker
"""
_OTHERS = frozenset(
    {"anybody", "anyone", "everybody", "everyone", "somebody", "someone"}
    | {"families", "family", "nobody", "people", "person", "staff"}
    | {"they", "we", "you"}
)
# By their ending they could be people.
_THINGS = """
adapter administer after answer author banner barrier before better border broker browser buffer
builder calculator calendar center chapter character charger checker cluster color compiler
computer connector consider container controller converter cooker corner counter cover crawler
cursor cylinder data decoder delimiter differ dinner discover docker door driver dropper editor
either elevator emitter encoder error ever exporter factor faster fewer filter floor folder footer
former further generator greater header helper higher however importer indicator inner integer
inverter larger later layer ledger letter limiter loader locker logger longer lower major marker
member meter minor mirror monitor motor neither never newer newsletter number offer older order
other outer over paper parameter parser per plotter pointer poster power prefer printer prior
processor proper quarter radiator rather receiver register remainder reminder renderer router
rubber runner scanner scheduler scraper sector selector semester sensor server shorter shoulder
shutter silver slider smaller solver spinner sticker summer supper temper tensor theater timer
tracker transformer trigger under uploader upper user-agent validator vector voucher water weather
whether winter wonder wrapper
"""
_SYSTEMS = """
api app application backend bot client console dashboard device engine firmware extension form
frontend gateway interface it job library module page panel pipeline platform plugin portal process
product program scheduler screen script server service site software solution system tool view
website widget wizard worker
"""
# "Shipping labels" are labels; "finding the order" is work.
_ADJECTIVES = """
billing booking building landing listing loading mailing matching ordering planning pricing
printing processing ranking rating reading reporting running searching setting shipping streaming
testing tracking training waiting working
"""
_PHRASE_STARTS = """
about across after and as at before between but by during for from in into of on or over per
through to under until via when where which while who with within without
"""
_SMALL = """
a an the of to and or with for in on at by from that which into as per than is are be so if when
while where who whose its their this these those only within without between until after before
under via not no each any also up down out off
"""
_PRONOUNS = """
he her his it its she that their these they this those we you your
"""

VERBS = frozenset(_VERBS.split())
NOUNS_TOO = frozenset(_NOUNS_TOO.split())
PEOPLE = frozenset(_PEOPLE.split()) | frozenset(f"{word}s" for word in _PEOPLE.split()) | _OTHERS
SYSTEMS = frozenset(_SYSTEMS.split())
# "User" is listed; shorter than "grower" are mostly things.
_SHORTEST_BY_ENDING = 6
_NO_PEOPLE = frozenset(_THINGS.split()) | SYSTEMS | VERBS
SMALL = frozenset(_SMALL.split())
# Nobody is told to do these to something: "must work offline".
INTRANSITIVE = frozenset({"work", "run", "look", "feel", "fit", "scale", "respond", "load", "fail"})
# What tells when something happens, and so that it does.
WHEN = frozenset(
    {
        *{"every", "each", "nightly", "daily", "hourly", "weekly", "monthly", "automatically"},
        *{"after", "before", "when", "whenever", "if", "until", "once", "only", "again", "at"},
    }
)
ADJECTIVES = frozenset(_ADJECTIVES.split())
PHRASE_STARTS = frozenset(_PHRASE_STARTS.split())
PRONOUNS = frozenset(_PRONOUNS.split())
DETERMINERS = frozenset(
    {"a", "an", "the", "all", "any", "each", "every", "their", "its", "our", "new", "this", "to"}
)


def is_person(word: str) -> bool:
    """Whether a noun names people, such as "members", or by its ending "treasurer"."""
    if word in PEOPLE:
        return True
    one = word.removesuffix("s")
    if not one.isalpha() or len(one) < _SHORTEST_BY_ENDING:
        return False
    return one.endswith(("er", "or", "ist")) and one not in _NO_PEOPLE


def _third(verb: str) -> str:
    if verb.endswith(("s", "sh", "ch", "x", "z")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2] not in "aeiou" else f"{verb}s"


def _gerunds(verb: str) -> tuple[str, ...]:
    if verb.endswith("e") and not verb.endswith("ee"):
        return (f"{verb[:-1]}ing",)
    return (f"{verb}ing", f"{verb}{verb[-1]}ing")


# "shows" → "show", "importing" → "import".
BY_THIRD = {_third(verb): verb for verb in VERBS}
BY_GERUND = {gerund: verb for verb in VERBS for gerund in _gerunds(verb)}


def third(verb: str) -> str:
    """The form after he, she or it."""
    return {"have": "has", "be": "is", "do": "does", "go": "goes"}.get(verb, _third(verb))


def is_plural(noun_phrase: str) -> bool:
    last = noun_phrase.lower().split()[-1:] or [""]
    return last[0] in {"people", "they", "we", "you", "staff"} or (
        last[0].endswith("s") and not last[0].endswith(("ss", "us", "is"))
    )
