package console

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/time/rate"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/console/accounts"
)

// User is who asks.
type User struct {
	Name string        `json:"user"`
	Role accounts.Role `json:"-"`
	peer string
}

// Who uses the unix socket is known to the machine; who has not signed in is a guest.
const (
	localUser = "local"
	guestUser = "guest"
)

const (
	sessionLife = 12 * time.Hour
	sessionIdle = time.Hour
	cookieName  = "lanewarden"
	csrfHeader  = "X-Csrf-Token"
	maxSignIn   = 4 << 10
)

// access decides who may do what.
type access struct {
	book     *accounts.Book // nil when there are no accounts: guests may look
	sessions *scs.SessionManager
	store    *sessions
	commit   func(context.Context, ...*observation.Observation) (int, error)
	refusals refusals

	mu    sync.Mutex
	peers map[string]*rate.Limiter // of sign-ins
}

func newAccess(book *accounts.Book, secure bool, commit func(context.Context, ...*observation.Observation) (int, error)) *access {
	a := &access{book: book, sessions: scs.New(), store: newSessions(), commit: commit, peers: map[string]*rate.Limiter{}}
	s := a.sessions
	s.Store, s.Lifetime, s.IdleTimeout = a.store, sessionLife, sessionIdle
	s.Cookie.Name, s.Cookie.HttpOnly, s.Cookie.SameSite, s.Cookie.Secure, s.Cookie.Path = cookieName, true, http.SameSiteStrictMode, secure, "/"
	s.HashTokenInStore = true
	return a
}

// run says what was refused, folded, until ctx ends.
func (a *access) run(ctx context.Context) error {
	t := time.NewTicker(refusalsEvery)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			a.store.sweep(now)
			a.journalRefusals(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// journalRefusals journals what was refused since the last time. What the journal does not take is kept, folded, for the next
// time: a full disk must not make every stranger's request the end of the agent.
func (a *access) journalRefusals(ctx context.Context) {
	all := a.refusals.drain()
	for i, one := range all {
		if _, err := a.commit(ctx, accessObservation(time.Now(), one)); err != nil {
			for _, left := range all[i:] {
				a.refusals.add(left)
			}
			return
		}
	}
}

type userKey struct{}

// user returns who asks.
func user(r *http.Request) User {
	u, _ := r.Context().Value(userKey{}).(User)
	return u
}

// identify finds out who asks: by socket, client certificate or session.
func (a *access) identify(next http.Handler) http.Handler {
	return a.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 { // a body comes in time, or not at all; streams that are only written have no limit
			if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		u := User{Name: guestUser, peer: peer(r)}
		switch {
		case isLocal(r):
			u.Name, u.Role, u.peer = localUser, accounts.Admin, "socket"
		case a.book == nil:
			u.Role = accounts.Viewer
		case r.TLS != nil && len(r.TLS.VerifiedChains) > 0:
			if found, ok := a.book.Find(r.TLS.VerifiedChains[0][0].Subject.CommonName); ok {
				u.Name, u.Role = found.Name, found.Role
			}
		default:
			if found, ok := a.book.Find(a.sessions.GetString(r.Context(), "user")); ok { // an account that was removed is out at once
				u.Name, u.Role = found.Name, found.Role
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, u)))
	}))
}

// peer is the address that a request comes from.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func isLocal(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && addr.Network() == "unix"
}

// role lets those through that have a role. Who changes something must show the session's token as well: another site's page cannot.
func (a *access) role(need accounts.Role, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		u := user(r)
		switch {
		case u.Role < need && u.Name == guestUser:
			a.refuse(r, "not signed in")
			http.Error(w, "sign in first", http.StatusUnauthorized)
		case u.Role < need:
			a.refuse(r, "role "+u.Role.String()+", needs "+need.String())
			http.Error(w, fmt.Sprintf("this needs the role %s; %s is %s", need, u.Name, u.Role), http.StatusForbidden)
		case r.Method != http.MethodGet && r.Method != http.MethodHead && u.Name != localUser && !a.shown(r):
			a.refuse(r, "without the session's token")
			http.Error(w, "the session's token is missing or wrong: reload the page", http.StatusForbidden)
		default:
			next(w, r)
		}
	}
}

// shown reports whether a request shows the session's token.
func (a *access) shown(r *http.Request) bool {
	token := a.sessions.GetString(r.Context(), "csrf")
	return token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(r.Header.Get(csrfHeader))) == 1
}

func (a *access) info(r *http.Request, u User) api.SessionInfo {
	return api.SessionInfo{User: u.Name, Role: u.Role.String(), CSRF: a.sessions.GetString(r.Context(), "csrf"), Accounts: a.book != nil}
}

// session serves GET /v1/session. Who is known by a client certificate gets a session for its token.
func (a *access) session(w http.ResponseWriter, r *http.Request) {
	u := user(r)
	if u.Name != guestUser && u.Name != localUser && a.sessions.GetString(r.Context(), "csrf") == "" {
		a.sessions.Put(r.Context(), "csrf", rand.Text())
	}
	answer(w, a.info(r, u))
}

// signIn serves POST /v1/session.
func (a *access) signIn(w http.ResponseWriter, r *http.Request) {
	var in struct {
		User     string `json:"user"`
		Password string `json:"password"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSignIn)).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if a.book == nil {
		http.Error(w, "there are no accounts (console.accounts_file)", http.StatusNotFound)
		return
	}
	if len(in.User) > 32 {
		in.User = in.User[:32]
	}
	if !a.mayTry(peer(r)) {
		a.refuse(r, "too many sign-ins from there")
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many sign-ins from your address: wait 10 s", http.StatusTooManyRequests)
		return
	}
	found, err := a.book.SignIn(in.User, in.Password, peer(r), time.Now())
	switch {
	case errors.Is(err, accounts.ErrLocked):
		a.refuse(r, "account "+in.User+" is locked")
		w.Header().Set("Retry-After", "60")
		http.Error(w, err.Error(), http.StatusTooManyRequests)
		return
	case err != nil:
		a.refuse(r, "wrong name or password for "+in.User)
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	u := User{Name: found.Name, Role: found.Role, peer: peer(r)}
	if err := a.audit(r.Context(), u, "sign-in", ""); err != nil { // before there is a session to give away
		http.Error(w, "not journalled, so not done: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	if err := a.sessions.RenewToken(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	a.sessions.Put(r.Context(), "user", found.Name)
	a.sessions.Put(r.Context(), "csrf", rand.Text())
	answer(w, a.info(r, u))
}

// signOut serves DELETE /v1/session.
func (a *access) signOut(w http.ResponseWriter, r *http.Request) {
	if err := a.audit(r.Context(), user(r), "sign-out", ""); err != nil {
		http.Error(w, "not journalled, so not done: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	if err := a.sessions.Destroy(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, api.SessionInfo{User: guestUser, Role: accounts.Nobody.String(), Accounts: true})
}

// maxPeers bounds what is remembered of addresses.
const maxPeers = 1024

// mayTry reports whether an address may try to sign in once more: ten times at once, then every five seconds.
func (a *access) mayTry(peer string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.peers[peer]
	if l == nil {
		if len(a.peers) >= maxPeers {
			clear(a.peers)
		}
		l = rate.NewLimiter(rate.Every(5*time.Second), 10)
		a.peers[peer] = l
	}
	return l.Allow()
}

// audit journals what somebody did. What cannot be journalled is not done.
func (a *access) audit(ctx context.Context, u User, action, text string) error {
	_, err := a.commit(ctx, accessObservation(time.Now(), &observation.AgentAccess{Action: action, User: u.Name, Role: u.Role.String(), Peer: u.peer, Text: text}))
	return err
}

func accessObservation(at time.Time, body *observation.AgentAccess) *observation.Observation {
	o := observation.New(observation.Class_CLASS_EVENT, at, body)
	o.Device = observation.AgentDevice
	return o
}

// refusalsEvery is how often refusals are journalled: a flood of them is a few rows.
const (
	refusalsEvery = 5 * time.Second
	maxRefusals   = 20 // kinds of them at a time
)

// refusals gathers what was refused.
type refusals struct {
	mu    sync.Mutex
	order []*observation.AgentAccess
}

func (a *access) refuse(r *http.Request, why string) {
	u := user(r)
	text := r.Method + " " + r.URL.Path + ": " + why
	a.refusals.add(&observation.AgentAccess{Action: "refused", User: u.Name, Role: u.Role.String(), Peer: u.peer, Text: text[:min(len(text), 200)], Count: 1})
}

func (f *refusals) add(one *observation.AgentAccess) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range f.order {
		if o.User == one.User && o.Peer == one.Peer && o.Text == one.Text {
			o.Count += one.Count
			return
		}
	}
	if len(f.order) >= maxRefusals {
		last := f.order[len(f.order)-1]
		last.Count += one.Count
		last.Text, last.Peer, last.User = "and others", "", ""
		return
	}
	f.order = append(f.order, one)
}

// drain returns what was gathered, and begins anew.
func (f *refusals) drain() []*observation.AgentAccess {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.order
	f.order = nil
	return out
}

// answer writes JSON.
func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // a client that is gone is none of our concern
}
