package hub

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/api/passwords"
	"lanewarden/edge/api/session"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/people"
	"lanewarden/sync/hub/signon"
)

// session answers hubapi.GetSession. Where everybody on the machine may use the hub, they have all scopes.
func (s *httpServer) session(c *api.Call, _ api.None) (hubapi.Session, error) {
	if s.access == nil {
		return hubapi.Session{Roles: []string{}, Scopes: api.Scopes(), Sites: []string{}}, nil
	}
	if p, ok := s.access.person(c.Request); ok {
		return s.access.info(c.Context(), p), nil
	}
	return s.access.info(c.Context(), people.Person{}), nil
}

// info describes a person's session to the page.
func (a *access) info(ctx context.Context, p people.Person) hubapi.Session {
	out := hubapi.Session{User: p.Name, Roles: []string{}, Scopes: []api.Scope{}, Sites: append([]string{}, p.Sites...),
		Accounts: a.people != nil}
	for _, r := range p.Roles {
		out.Roles = append(out.Roles, string(r))
	}
	for _, scope := range api.Scopes() {
		if p.Allowed(scope) {
			out.Scopes = append(out.Scopes, scope)
		}
	}
	if a.provider != nil {
		out.SignOn = hubapi.SignOn.Path()
	}
	if a.sessions != nil && p.Name != "" {
		out.CSRF = a.sessions.CSRF(ctx)
	}
	return out
}

// retryLocked is when one who is locked out may come again at the earliest.
const retryLocked = time.Minute

// mayTry returns why an address may not try to sign in, nil when it may.
func (a *access) mayTry(r *http.Request) error {
	if a.sessions.MayTry(api.Peer(r)) {
		return nil
	}
	a.Refuse(r, message.New("access.many-sign-ins"))
	return api.NewProblem(api.TooMany, message.New("api.sign-ins")).After(session.RetryPeer)
}

// signIn checks hubapi.PostSession: the address must not try too often, and name and password must be right. The session
// begins only when the sign-in has been journalled.
func (s *httpServer) signIn(c *api.Call, in api.SignIn) (act api.Act[hubapi.Session], err error) {
	a := s.access
	if a == nil || a.people == nil {
		return act, api.NewProblem(api.NotFound, message.New("api.no-accounts"))
	}
	if err := a.mayTry(c.Request); err != nil {
		return act, err
	}
	p, err := a.people.SignIn(in.User, in.Password, api.Peer(c.Request), time.Now())
	tried := message.Quoted("user", in.User[:min(len(in.User), maxName)])
	switch {
	case errors.Is(err, passwords.ErrLocked):
		a.Refuse(c.Request, message.New("access.locked", tried))
		return act, api.ProblemOf(api.TooMany, err).After(retryLocked)
	case err != nil:
		a.Refuse(c.Request, message.New("access.wrong-password", tried))
		return act, api.ProblemOf(api.WrongPassword, err)
	}
	act.User = api.User{Name: p.Name, Roles: p.RoleNames(), Peer: api.Peer(c.Request)}
	act.Do = func(ctx context.Context) (hubapi.Session, error) {
		if err := a.sessions.Begin(ctx, p.Name); err != nil {
			return hubapi.Session{}, api.ProblemOf(api.Internal, err)
		}
		a.sessions.Put(ctx, elsewhere, "")
		return a.info(ctx, p), nil
	}
	return act, nil
}

// maxName is how much of a name that somebody tried is journalled, bytes.
const maxName = 64

// signOut checks hubapi.DeleteSession, which ends the caller's session.
func (s *httpServer) signOut(*api.Call, api.None) (act api.Act[hubapi.Session], err error) {
	if s.access == nil || s.access.sessions == nil {
		return act, api.NewProblem(api.NotFound, message.New("api.no-accounts"))
	}
	act.Do = func(ctx context.Context) (hubapi.Session, error) {
		if err := s.access.sessions.End(ctx); err != nil {
			return hubapi.Session{}, api.ProblemOf(api.Internal, err)
		}
		return s.access.info(ctx, people.Person{}), nil
	}
	return act, nil
}

// attempt is under which name a session keeps a signon.Attempt, as JSON.
const attempt = "attempt"

// signOn serves hubapi.SignOn.
func (s *httpServer) signOn(w http.ResponseWriter, c *api.Call, _ api.None) error {
	if s.access == nil || s.access.provider == nil {
		return api.NewProblem(api.NotFound, message.New("api.no-sign-on"))
	}
	if err := s.access.mayTry(c.Request); err != nil {
		return err
	}
	url, begun, err := s.access.provider.Begin(c.Context(), rand.Text(), rand.Text())
	if err != nil {
		s.opts.Log.Warn("nobody can sign in with the provider of identities", "err", err)
		return api.ProblemOf(api.Unavailable, err)
	}
	kept, err := json.Marshal(begun)
	if err != nil {
		return err
	}
	s.access.sessions.Put(c.Context(), attempt, string(kept))
	http.Redirect(w, c.Request, url, http.StatusSeeOther)
	return nil
}

// signOnBack serves hubapi.SignOnBack. A state that is not the session's own is of a page that wants somebody to be
// signed in as somebody else.
func (s *httpServer) signOnBack(w http.ResponseWriter, c *api.Call, in hubapi.SignedOn) error {
	a := s.access
	if a == nil || a.provider == nil {
		return api.NewProblem(api.NotFound, message.New("api.no-sign-on"))
	}
	var begun signon.Attempt
	if json.Unmarshal([]byte(a.sessions.Pop(c.Context(), attempt)), &begun) != nil || begun.State == "" ||
		subtle.ConstantTimeCompare([]byte(begun.State), []byte(in.State)) != 1 {
		return a.notOn(c.Request, message.Errorf("signon.state"))
	}
	if in.Error != "" {
		return a.notOn(c.Request, message.Errorf("signon.said", message.Quoted("error", strings.TrimSpace(in.Error+" "+in.ErrorDescription))))
	}
	p, err := a.provider.Finish(c.Context(), begun, in.Code)
	if err != nil {
		return a.notOn(c.Request, err)
	}
	if a.people != nil {
		if _, taken := a.people.Find(p.Name); taken {
			return a.notOn(c.Request, message.Errorf("signon.taken", message.String("name", p.Name)))
		}
	}
	u := api.User{Name: p.Name, Roles: p.RoleNames(), Sites: slices.Clone(p.Sites), Peer: api.Peer(c.Request)}
	if err := a.Audit(c.Context(), u, hubapi.PostSession.Audit, message.Message{}); err != nil {
		return api.NewProblem(api.NotJournalled, message.New("api.not-journalled", message.CausedBy(err)))
	}
	who, err := json.Marshal(p)
	if err == nil {
		err = a.sessions.Begin(c.Context(), p.Name)
	}
	if err != nil {
		return err
	}
	a.sessions.Put(c.Context(), elsewhere, string(who))
	http.Redirect(w, c.Request, "/", http.StatusSeeOther)
	return nil
}

// notOn notes why nobody was signed in and returns it as a problem.
func (a *access) notOn(r *http.Request, why error) error {
	a.Refuse(r, message.Of(why))
	return api.ProblemOf(api.NotSignedIn, why)
}
