package console

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"lanewarden/drivers/message"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api"
)

// info describes a user's session to the page.
func (a *access) info(r *http.Request, u api.User) api.SessionInfo {
	return api.SessionInfo{
		User: u.Name, Role: u.Role.String(), CSRF: a.sessions.GetString(r.Context(), "csrf"), Accounts: a.book != nil,
	}
}

// session answers api.GetSession. A user who is known by a client certificate gets a session for
// its token.
func (a *access) session(c *api.Call, _ api.None) (api.SessionInfo, error) {
	if c.User.Name != guestUser && !isLocal(c.Request) && a.sessions.GetString(c.Context(), "csrf") == "" {
		a.sessions.Put(c.Context(), "csrf", rand.Text())
	}
	return a.info(c.Request, c.User), nil
}

const (
	maxName    = 32 // bytes of a user's name that are looked at
	retryPeer  = 10 * time.Second
	retryLocks = time.Minute
)

// signIn checks api.PostSession: the address must not try too often, and name and password must be
// right. The session begins only when the sign-in has been journalled.
func (a *access) signIn(c *api.Call, in api.SignIn) (act api.Act[api.SessionInfo], err error) {
	if a.book == nil {
		return act, api.NewProblem(api.NotFound, message.New("api.no-accounts"))
	}
	in.User = in.User[:min(len(in.User), maxName)]
	from := api.Peer(c.Request)
	if !a.mayTry(from) {
		a.Refuse(c.Request, message.New("access.many-sign-ins"))
		return act, api.NewProblem(api.TooMany, message.New("api.sign-ins")).After(retryPeer)
	}
	found, err := a.book.SignIn(in.User, in.Password, from, time.Now())
	switch {
	case errors.Is(err, accounts.ErrLocked):
		a.Refuse(c.Request, message.New("access.locked", message.String("user", in.User)))
		return act, api.ProblemOf(api.TooMany, err).After(retryLocks)
	case err != nil:
		a.Refuse(c.Request, message.New("access.wrong-password", message.String("user", in.User)))
		return act, api.ProblemOf(api.WrongPassword, err)
	}
	act.User = api.User{Name: found.Name, Role: found.Role, Peer: from}
	act.Do = func(ctx context.Context) (api.SessionInfo, error) { return a.begin(ctx, c.Request, act.User) }
	return act, nil
}

// begin gives the caller a session under a new token, so that one that somebody planted before is
// worth nothing (session fixation).
func (a *access) begin(ctx context.Context, r *http.Request, u api.User) (api.SessionInfo, error) {
	if err := a.sessions.RenewToken(ctx); err != nil {
		return api.SessionInfo{}, api.ProblemOf(api.Internal, err)
	}
	a.sessions.Put(ctx, "user", u.Name)
	a.sessions.Put(ctx, "csrf", rand.Text())
	return a.info(r, u), nil
}

// signOut checks api.DeleteSession, which ends the caller's session.
func (a *access) signOut(*api.Call, api.None) (api.Act[api.SessionInfo], error) {
	return api.Act[api.SessionInfo]{Do: func(ctx context.Context) (api.SessionInfo, error) {
		if err := a.sessions.Destroy(ctx); err != nil {
			return api.SessionInfo{}, api.ProblemOf(api.Internal, err)
		}
		return api.SessionInfo{User: guestUser, Role: accounts.Nobody.String(), Accounts: true}, nil
	}}, nil
}

// maxPeers bounds the addresses that are remembered; beyond it all are forgotten.
const maxPeers = 1024

// mayTry reports whether an address may try to sign in once more: ten times at once, then every
// five seconds. Each try costs a slow hash, which is what strangers could use up.
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
