/* A message over two routes, for a model checker: one message, two relays, two providers. SPIN tries every interleaving.

   The provider of the first route can be asked whether it has a message; that of the second cannot, like SMTP. Any route
   may be closed at any time, any answer may be lost on the way, a question may stay unanswered, and a relay may be killed
   between any two steps. The lane is not here: a message stays its lane's head while it moves, as outbox.pml has it.

   Promised: TWICE (G6) a second route accepts a message only if the first certainly does not have it, or its patience has
   ended; and one that can be asked is not sent it again itself. MARKED (G6) whatever a provider may have is on record, by
   its route, before any provider gets the message again. STRANDED (G3) at rest the message has ended.

   Assumed, as in outbox.pml: a request ends before its relay is declared dead.

   GUARD, of the environment, is the number of a guard that is taken out: test_model.py expects a promise to break. */

#define FIRST_ASKED  1  /* the provider is asked before a message goes over another route */
#define RIGHT_ONE    2  /* the one that is asked is the one whose answer was lost */
#define WRITTEN      3  /* the route is written down before the send */
#define LOST_IS_LOST 4  /* a lost answer is no refusal */
#define BOUND        5  /* a provider that cannot be asked keeps the message until the patience ends */
#define SILENCE      6  /* a question that was not answered is no "no" */
#define RENEWED      7  /* a new lost answer begins a new patience */

#define IS_OUT(g)    (guard == (g))
#define CAN_BE_ASKED(r) ((r) == 0)
#define BIT(r)       (1 << (r))
#define IN_DOUBT(r)  ((unknown & BIT(r)) != 0)

#define TWICE    1
#define MARKED   2
#define STRANDED 3
#define PROMISE(name, truth) assert((truth) || !(only == 0 || only == name))

mtype = { pending, sending, sent, failed };
mtype = { none, accepted, refused, lost };

byte guard, only;
mtype status = pending;
byte claim_number, holder, route, tried, unknown;  /* the row; unknown: the routes of its attempts of unknown outcome */
bool is_over;                                      /* the patience since the last lost answer */
bool has[2];                                       /* the providers: who has accepted it */
byte wire[3];                                      /* what each relay, 1 or 2, has on the wire: a route + 1, or 0 */
mtype answer[3];
bool dead[3];
byte retries = 1, kills = 1, losses = 2, refusals = 3;

bool has_ended;  /* for the judge alone: that patience, whatever the row says */

inline goes_unknown(r) { unknown = unknown | BIT(r); is_over = (IS_OUT(RENEWED) && is_over); has_ended = false }

#define IS_BOUND  (IN_DOUBT(1) && !is_over && !IS_OUT(BOUND))  /* to the provider that cannot be asked */
#define MAY_GO(r) (IS_BOUND -> (r) == 1 : (tried & BIT(r)) == 0)

proctype relay(byte me) {
    byte token, over; bool is_found, is_silent;
    {
    do
    :: atomic { status == pending ->
            status = sending; holder = me; claim_number++; token = claim_number; is_found = false; is_silent = false };
        if :: atomic { MAY_GO(0) -> over = 0 } :: atomic { MAY_GO(1) -> over = 1 } fi;
        if :: !IS_OUT(WRITTEN) -> route = over :: else fi;
        /* Ask. */
        if
        :: atomic { !IS_OUT(FIRST_ASKED) && IN_DOUBT(0) && !(IS_OUT(RIGHT_ONE) && over == 1) ->
                if
                :: is_found = has[0]
                :: losses > 0 -> losses--; is_silent = !(is_over || IS_OUT(SILENCE))
                fi }
        :: else
        fi;
        if
        :: atomic { is_found -> if :: status == sending && claim_number == token -> status = sent :: else fi }
        :: atomic { !is_found && is_silent ->
                if :: status == sending && claim_number == token -> status = pending :: else fi }
        :: atomic { !is_found && !is_silent ->
                /* Send. */
                if :: status == sending && claim_number == token -> wire[me] = over + 1; answer[me] = none
                   :: else -> goto next  /* declared dead: the lease says so */
                fi };
            atomic { wire[me] == 0 ->
                if :: IS_OUT(WRITTEN) && status == sending && claim_number == token -> route = over :: else fi };
            /* Settle. */
            atomic {
                if
                :: status == sending && claim_number == token ->
                    if
                    :: answer[me] == accepted -> status = sent; tried = 0
                    :: answer[me] == refused || (answer[me] == lost && IS_OUT(LOST_IS_LOST)) ->
                        tried = tried | BIT(over);
                        if
                        :: tried != 3 -> status = pending  /* at once, over the other */
                        :: tried == 3 && retries > 0 -> retries--; tried = 0; status = pending
                        :: tried == 3 && retries == 0 -> status = failed
                        fi
                    :: answer[me] == lost && !IS_OUT(LOST_IS_LOST) -> goes_unknown(route); tried = 0; status = pending
                    fi
                :: else
                fi };
        fi;
next:   skip
    :: atomic { status == sent || status == failed -> break }
    od
    } unless { dead[me] }
}

/* A provider: it takes what is on the wire or not, and its answer comes or not. */
proctype provider(byte r) {
    do
    :: atomic { wire[1] == r + 1 || wire[2] == r + 1 ->
            byte who = (wire[1] == r + 1 -> 1 : 2);
            if
            :: PROMISE(TWICE, !has[1 - r] || has_ended);
                PROMISE(TWICE, !has[r] || !CAN_BE_ASKED(r) || has_ended);
                PROMISE(MARKED, (!has[0] || IN_DOUBT(0)) && (!has[1] || IN_DOUBT(1)));
                has[r] = true;
                if :: answer[who] = accepted :: losses > 0 -> losses--; answer[who] = lost fi
            :: refusals > 0 -> refusals--; answer[who] = refused
            :: losses > 0 -> losses--; answer[who] = lost
            fi;
            wire[who] = 0; who = 0 }
    od
}

proctype trouble() {
    do
    :: atomic { kills > 0 && !dead[1] -> kills--; dead[1] = true }
    od
}

/* Whoever notices that a relay is dead puts back what it held: its attempt is unknown, over the route that is written. */
proctype rescuer() {
    do
    :: atomic { status == sending && dead[holder] && wire[holder] == 0 ->
            goes_unknown(route); status = pending; tried = 0; holder = 0 }
    od
}

proctype patience() {
    do
    :: atomic { unknown != 0 && !is_over && status == pending -> is_over = true; has_ended = true }
    od
}

init {
    c_code { now.guard = getenv("GUARD") ? atoi(getenv("GUARD")) : 0; now.only = getenv("ONLY") ? atoi(getenv("ONLY")) : 0; };
    atomic {
        run relay(1); run relay(2); run provider(0); run provider(1); run trouble(); run rescuer(); run patience() };
    timeout;
    PROMISE(STRANDED, status == sent || status == failed)
}
