/* The outbox's protocol for a model checker: one lane, two messages, two relays; SPIN tries every interleaving.

   A statement of SQL is one atomic step here; what a transaction writes shows when it commits. Between any two steps
   everything else may happen: so every process is slow, and stopped beyond its lease, at every place. Besides, a relay is
   killed or loses its connection, and the settle that it had begun is rolled back, or ends without it, as late as it likes;
   one is taken for dead that is not, a publisher rolls back, and somebody replays.

   A settle may claim what it promotes. A relay may not learn what its claim took, by itself or within a settle: it returns
   what is under its number and not in its hands.

   Promised: STRANDED (G3) at rest each committed message has ended; ORDER (G4) messages are begun in the order of their
   commits, the next after the last has ended; OVERLAP (G4) never two on the wire; STALE (G5) only who holds a message
   settles it.

   Assumed, since no lease can do without: a request that is on the wire ends before its relay's lease, and nothing stops a
   process between its last look at the lease and its request. -DSEND_OUTLIVES_LEASE shows what happens otherwise.

   Each guard can be taken out by a macro: test_model.py does so, and expects a promise to break. */

#ifndef FAULTS
#define FAULTS   1
#endif
#define NUMBERS  4  /* a relay gets a new number when it starts, and when it finds that it was taken for dead */
#define REPLAYER 5  /* holders of locks: relays 1 and 2, publishers 3 and 4, the replayer, */
#define GHOST    6  /* and the session of a relay that is no longer there, or has a new connection */

#define HEAD(m)  (status[m] == pending || status[m] == sending)
#define OLDEST   (status[0] == queued -> 1 : (status[1] == queued -> 2 : 0))  /* message + 1, or 0 */
#define ON_WIRE  ((wire[0] != 0) + (wire[1] != 0) + (wire[2] != 0) + (wire[3] != 0))

#define STRANDED 1
#define ORDER    2
#define OVERLAP  3
#define STALE    4
#ifdef ONLY  /* one promise */
#define PROMISE(name, truth) assert(name != ONLY || (truth))
#else
#define PROMISE(name, truth) assert(truth)
#endif

mtype = { absent, queued, pending, sending, sent, failed, killed, cut };

mtype status[2] = absent;
byte claim_number[2], owner[2], row_lock[2], lane_lock, ids, numbers = 2;
bool known[NUMBERS], leased[NUMBERS], gone[NUMBERS];  /* relays' rows; their leases; whether the process has died */
byte wire[NUMBERS];                                   /* what each relay has on the wire: message + 1, or 0 */
mtype struck = absent;
byte faults = FAULTS, retries = 1;

/* The settle that the first relay left open: what it settles and promotes (message + 1, or 0), and for which number. */
mtype left_outcome = absent;
byte left_settled, left_next, left_claims;

byte holder[2];  /* for the judge alone: which relay rightfully holds a message, */
bool ended[2];   /* and whether it has ever ended */

inline lock_lane(who) {
#ifdef NO_LANE_LOCK
    skip
#else
    atomic { lane_lock == 0 -> lane_lock = who }
#endif
}

inline unlock_lane(who) { if :: lane_lock == who -> lane_lock = 0 :: else fi }

#ifdef NO_UNIQUE_HEAD
#define INDEX_ALLOWS(m) true
#else
#define INDEX_ALLOWS(m) (!HEAD(1 - (m)))  /* the unique index refuses a second head, and its writer rolls back */
#endif

#ifdef SEND_OUTLIVES_LEASE
#define MAY_END(n) true
#else
#define MAY_END(n) (wire[n] == 0)
#endif

proctype publisher(byte who) {
    byte m; bool leads;
#ifdef PUBLISH_IN_ONE_STATEMENT
    leads = !HEAD(0) && !HEAD(1) && OLDEST == 0;  /* a statement's snapshot is older than the lock it waits for */
    lock_lane(who);
    atomic { m = ids; ids++ };
#else
    lock_lane(who);
    atomic { m = ids; ids++; leads = !HEAD(0) && !HEAD(1) && OLDEST == 0 };
#endif
    atomic {
        if
        :: !leads || INDEX_ALLOWS(m) ->
            PROMISE(ORDER, m == 1 || status[1] == absent);
            status[m] = (leads -> pending : queued)
        :: true  /* rolled back: its number is never used */
        fi;
        unlock_lane(who); m = 0; leads = false }
}

proctype replayer() {
    byte m, next;
#ifdef NO_REPLAY
    false;
#endif
    status[0] == failed || status[1] == failed;
    lock_lane(REPLAYER);
    atomic {
        if :: status[0] == failed -> m = 0 :: status[1] == failed -> m = 1 fi;
        if
        :: HEAD(0) || HEAD(1) -> next = 0
        :: else -> next = (m == 0 || status[0] == queued -> 1 : 2)
        fi };
    atomic {
        status[m] = queued;
        if :: next != 0 -> status[next - 1] = pending :: else fi;
#ifdef REPLAY_RESETS_CLAIM_NUMBER
        claim_number[m] = 0;
#endif
        unlock_lane(REPLAYER); m = 0; next = 0 }
}

inline register() {
#ifndef SAME_NUMBER_AGAIN
    numbers++; number = numbers;
#endif
    known[number - 1] = true; leased[number - 1] = true; gone[number - 1] = false
}

inline take(x, by, under) {
    status[x] = sending; owner[x] = under; claim_number[x]++; holder[x] = by
}

/* What a settle's commit makes visible. done, then: message + 1, or 0; under: the number that claims, or 0. */
inline commit(who, by, done, to, then, under) {
    unlock_lane(who);
    if
    :: done != 0 ->
        row_lock[done - 1] = 0; owner[done - 1] = 0; holder[done - 1] = 0;
        status[done - 1] = to; ended[done - 1] = ended[done - 1] || to != pending
    :: else
    fi;
    if
    :: then != 0 && under != 0 -> take(then - 1, by, under)
    :: then != 0 && under == 0 -> status[then - 1] = pending
    :: else
    fi
}

inline let_go() { holds = false; begun = false; outcome = absent; m = 0; token = 0; claimed_as = 0 }

#ifdef RETURN_IN_HAND
#define IN_HAND(x) false
#else
#define IN_HAND(x) (holds && m == (x))
#endif
#define LOST(x) (status[x] == sending && owner[x] == number && row_lock[x] == 0 && !IN_HAND(x))

inline give_back(x) { status[x] = pending; owner[x] = 0; holder[x] = 0 }

proctype relay(byte me) {
    byte number = me, m, token, claimed_as, ours, next, claims, next_token; bool holds, begun; mtype outcome = absent;
life:
    {
        do
        /* Heartbeat: extend the lease, or learn that one is taken for dead. */
        :: atomic { known[number - 1] && !leased[number - 1] -> leased[number - 1] = true }
        :: atomic { !known[number - 1] && numbers < NUMBERS -> register() }

        /* Claim; the answer may be lost. */
        :: atomic { !holds && known[number - 1] && leased[number - 1] && (status[0] == pending || status[1] == pending) ->
                m = (status[0] == pending -> 0 : 1);
                take(m, me, number);
                if
                :: token = claim_number[m]; claimed_as = number; holds = true
                :: me == 1 && faults > 0 -> faults--; m = 0
                fi }

        /* Return what our claim took but whose answer was lost. */
#ifndef NO_RETURN
        :: atomic { known[number - 1] && LOST(0) -> give_back(0) }
        :: atomic { known[number - 1] && LOST(1) -> give_back(1) }
#endif

        /* Send, or hand back what was claimed under a lease that is over. */
        :: atomic { holds && !begun ->
                begun = true;
                if
#ifdef NO_LEASE_CHECK
                :: true ->
#elif defined(OLD_CLAIM_UNDER_NEW_LEASE)
                :: leased[number - 1] ->
#else
                :: leased[number - 1] && claimed_as == number ->
#endif
                    wire[number - 1] = m + 1;
                    PROMISE(OVERLAP, ON_WIRE == 1);
                    PROMISE(ORDER, m == 0 || status[0] == absent || ended[0])
#ifndef NO_LEASE_CHECK
                :: else -> outcome = pending
#endif
                fi }
        :: atomic { begun && outcome == absent && wire[number - 1] == 0 && wire[claimed_as - 1] == 0 ->
                if
                :: outcome = sent
                :: outcome = failed
                :: retries > 0 -> retries--; outcome = pending
                fi }

        /* Settle: lock the lane; if the claim is still ours, write the outcome, promote the next, and claim it or not. */
        :: outcome != absent ->
#ifdef SETTLE_IN_ONE_STATEMENT
            next = OLDEST;  /* in a snapshot that is older than the lock it waits for */
#endif
            if :: outcome != pending -> lock_lane(me) :: else fi;
            atomic {
#ifdef NO_FENCING
                ours = (status[m] == sending && row_lock[m] == 0 -> m + 1 : 0);
#else
                ours = (status[m] == sending && row_lock[m] == 0 && claim_number[m] == token -> m + 1 : 0);
#endif
                if :: ours != 0 -> row_lock[m] = me :: else fi;
#ifndef SETTLE_IN_ONE_STATEMENT
                next = OLDEST;
#endif
                if :: ours == 0 || outcome == pending -> next = 0 :: else fi;
                if :: next != 0 && known[number - 1] -> claims = number :: true fi };
            atomic {
                PROMISE(STALE, ours == 0 || (holder[m] == me && claim_number[m] == token));
                commit(me, me, ours, outcome, next, claims);
                ours = 0;
                if :: next != 0 && claims != 0 -> next_token = claim_number[next - 1] :: else fi };
            atomic {  /* only now has the commit's answer arrived */
                let_go();
                if :: next_token != 0 -> m = next - 1; token = next_token; claimed_as = claims; holds = true :: else fi;
                next = 0; claims = 0; next_token = 0 }
        od
    } unless { me == 1 && struck != absent };
    atomic {
        if  /* the database rolls back what was open, or does not know yet that nobody waits for it */
        :: ours != 0 && left_outcome == absent ->
            left_outcome = outcome; left_settled = ours; left_next = next; left_claims = claims;
            row_lock[m] = GHOST; if :: lane_lock == me -> lane_lock = GHOST :: else fi
        :: true
        fi;
        unlock_lane(me); next = 0; ours = 0; claims = 0; next_token = 0;
        if :: row_lock[0] == me -> row_lock[0] = 0 :: else fi;
        if :: row_lock[1] == me -> row_lock[1] = 0 :: else fi;
        if :: struck == killed -> gone[number - 1] = true; let_go(); register() :: else fi;
        struck = absent };
    goto life
}

proctype ghost() {
    do
    :: atomic { left_outcome != absent ->
            PROMISE(STALE, holder[left_settled - 1] == 1);
            commit(GHOST, 1, left_settled, left_outcome, left_next, left_claims);
            left_outcome = absent; left_settled = 0; left_next = 0; left_claims = 0 }
    od
}

/* Faults befall the first relay, since both are alike. */
#define UNLUCKY(n) (n != 1 && faults > 0)

proctype trouble() {
    do
    :: atomic { faults > 0 && struck == absent -> faults--; if :: struck = killed :: struck = cut fi }
    od
}

/* A relay's number as the providers and the other relays see it. */
proctype fate(byte n) {
    do
    :: atomic { wire[n] != 0 -> wire[n] = 0 }
    :: atomic { leased[n] && (gone[n] || UNLUCKY(n)) && MAY_END(n) ->
            leased[n] = false; if :: gone[n] :: else -> faults-- fi }
#ifdef BURY_THE_LIVING
    :: atomic { known[n] && UNLUCKY(n) -> faults--; known[n] = false }
#else
    :: atomic { known[n] && !leased[n] -> known[n] = false }
#endif
    od
}

proctype rescuer(byte m) {
#ifdef NO_RESCUE
    false;
#endif
    do
    :: atomic { status[m] == sending && !known[owner[m] - 1] && row_lock[m] == 0 ->
            status[m] = pending; owner[m] = 0; holder[m] = 0 }
    od
}

init {
    atomic {
        known[0] = true; leased[0] = true; known[1] = true; leased[1] = true;
        run publisher(3); run publisher(4); run replayer(); run relay(1); run relay(2); run trouble();
        run ghost(); run fate(0); run fate(1); run fate(2); run fate(3); run rescuer(0); run rescuer(1) };
    timeout;
    PROMISE(STRANDED, !HEAD(0) && !HEAD(1) && status[0] != queued && status[1] != queued)
}
