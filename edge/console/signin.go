package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api"
	"lanewarden/edge/api/passwords"
	"lanewarden/edge/api/session"
)

// info describes a user's session to the page.
func (a *access) info(r *http.Request, u api.User) api.SessionInfo {
	return api.SessionInfo{
		User: u.Name, Role: u.Role.String(), CSRF: a.sessions.CSRF(r.Context()), Accounts: a.book != nil,
	}
}

// session answers api.GetSession. A user who is known by a client certificate gets a session for
// its token.
func (a *access) session(c *api.Call, _ api.None) (api.SessionInfo, error) {
	if c.User.Name != guestUser && !isLocal(c.Request) {
		a.sessions.NeedCSRF(c.Context())
	}
	return a.info(c.Request, c.User), nil
}

const (
	maxName    = 32 // bytes of a user's name that are looked at
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
	if !a.sessions.MayTry(from) {
		a.Refuse(c.Request, message.New("access.many-sign-ins"))
		return act, api.NewProblem(api.TooMany, message.New("api.sign-ins")).After(session.RetryPeer)
	}
	found, err := a.book.SignIn(in.User, in.Password, from, time.Now())
	switch {
	case errors.Is(err, passwords.ErrLocked):
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

// begin gives the caller a session.
func (a *access) begin(ctx context.Context, r *http.Request, u api.User) (api.SessionInfo, error) {
	if err := a.sessions.Begin(ctx, u.Name); err != nil {
		return api.SessionInfo{}, api.ProblemOf(api.Internal, err)
	}
	return a.info(r, u), nil
}

// signOut checks api.DeleteSession, which ends the caller's session.
func (a *access) signOut(*api.Call, api.None) (api.Act[api.SessionInfo], error) {
	return api.Act[api.SessionInfo]{Do: func(ctx context.Context) (api.SessionInfo, error) {
		if err := a.sessions.End(ctx); err != nil {
			return api.SessionInfo{}, api.ProblemOf(api.Internal, err)
		}
		return api.SessionInfo{User: guestUser, Role: accounts.Nobody.String(), Accounts: true}, nil
	}}, nil
}
