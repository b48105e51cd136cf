// Package session keeps who has signed in on the pages of an agent or hub: cookies, the token against requests of other
// sites, how often an address may try, and what was refused. docs/access.md.
package session

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/time/rate"
)

// A session ends after a shift, or when it was idle for an hour. The page sends the session's token back in CSRFHeader.
const (
	life       = 12 * time.Hour
	idle       = time.Hour
	cookieName = "lanewarden"
	CSRFHeader = "X-Csrf-Token"
)

// Names of what a session holds.
const (
	userKey = "user"
	csrfKey = "csrf"
)

// Keeper keeps sessions. It may be used by many goroutines.
type Keeper struct {
	manager *scs.SessionManager
	store   *store

	mu    sync.Mutex
	peers map[string]*rate.Limiter // of sign-ins, by address
}

// NewKeeper returns a keeper without sessions. secure says that the pages are served with TLS only, so that browsers keep
// the cookie from plain HTTP; site is the cookie's SameSite. Only hashes of session tokens are kept, so that a memory dump
// gives no session away.
func NewKeeper(secure bool, site http.SameSite) *Keeper {
	k := &Keeper{manager: scs.New(), store: newStore(), peers: map[string]*rate.Limiter{}}
	m := k.manager
	m.Store, m.Lifetime, m.IdleTimeout, m.HashTokenInStore = k.store, life, idle, true
	m.Cookie.Name, m.Cookie.HttpOnly, m.Cookie.SameSite = cookieName, true, site
	m.Cookie.Secure, m.Cookie.Path = secure, "/"
	return k
}

// Sweep removes the sessions that have ended.
func (k *Keeper) Sweep(now time.Time) { k.store.sweep(now) }

// Wrap gives requests their sessions. The other methods are for requests that came through it.
func (k *Keeper) Wrap(next http.Handler) http.Handler { return k.manager.LoadAndSave(next) }

// User returns who has signed in, "" when nobody has.
func (k *Keeper) User(ctx context.Context) string { return k.Get(ctx, userKey) }

// Get returns what the session has under a name, "" for nothing.
func (k *Keeper) Get(ctx context.Context, name string) string { return k.manager.GetString(ctx, name) }

// Put keeps a value in the session.
func (k *Keeper) Put(ctx context.Context, name, value string) { k.manager.Put(ctx, name, value) }

// Pop returns what the session has under a name, and removes it.
func (k *Keeper) Pop(ctx context.Context, name string) string { return k.manager.PopString(ctx, name) }

// Begin gives the caller a session under a new token, so that one that somebody planted before is worth nothing (session
// fixation).
func (k *Keeper) Begin(ctx context.Context, user string) error {
	if err := k.manager.RenewToken(ctx); err != nil {
		return err
	}
	k.Put(ctx, userKey, user)
	k.Put(ctx, csrfKey, rand.Text())
	return nil
}

// End ends the caller's session.
func (k *Keeper) End(ctx context.Context) error { return k.manager.Destroy(ctx) }

// CSRF returns the token that requests which change something have to show, "" without a session.
func (k *Keeper) CSRF(ctx context.Context) string { return k.Get(ctx, csrfKey) }

// NeedCSRF gives a caller who is known without signing in, by a client certificate, a session for its token.
func (k *Keeper) NeedCSRF(ctx context.Context) {
	if k.CSRF(ctx) == "" {
		k.Put(ctx, csrfKey, rand.Text())
	}
}

// HasToken reports whether a request carries the session's token, which a page of another site does not have. The
// comparison takes the same time for all tokens.
func (k *Keeper) HasToken(r *http.Request) bool {
	token := k.CSRF(r.Context())
	return token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(r.Header.Get(CSRFHeader))) == 1
}

// maxPeers bounds the addresses that are remembered; beyond it all are forgotten.
const maxPeers = 1024

// RetryPeer is when an address that tried too often may try again.
const RetryPeer = 10 * time.Second

// MayTry reports whether an address may try to sign in once more: ten times at once, then every five seconds. Each try
// costs a slow hash, which is what strangers could use up.
func (k *Keeper) MayTry(peer string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.peers[peer]
	if l == nil {
		if len(k.peers) >= maxPeers {
			clear(k.peers)
		}
		l = rate.NewLimiter(rate.Every(5*time.Second), 10)
		k.peers[peer] = l
	}
	return l.Allow()
}
