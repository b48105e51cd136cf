package console

import (
	"context"
	"net"
	"net/http"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api"
	"lanewarden/edge/api/session"
)

// localUser and guestUser name users without an account: the machine decides who may use the unix
// socket, by its mode, and guests have not signed in.
const (
	localUser = "local"
	guestUser = "guest"
)

// access decides who may do what; it implements api.Guard and keeps the sessions. It may be used by
// many goroutines.
type access struct {
	book     *accounts.Book // nil when there are no accounts: guests may look
	sessions *session.Keeper
	commit   session.Commit
	refusals session.Refusals
}

// newAccess returns the access of a console. secure says that the pages are served with TLS only. The cookie does not come
// with requests that pages of other sites make.
func newAccess(book *accounts.Book, secure bool, commit session.Commit) *access {
	return &access{book: book, sessions: session.NewKeeper(secure, http.SameSiteStrictMode), commit: commit}
}

// run ends old sessions and journals what was refused, until ctx ends. It returns nil.
func (a *access) run(ctx context.Context) error {
	t := time.NewTicker(session.Every)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			a.sessions.Sweep(now)
			a.refusals.Journal(ctx, a.commit)
		case <-ctx.Done():
			return nil
		}
	}
}

// Refuse implements api.Guard. It returns at once; run journals the refusal.
func (a *access) Refuse(r *http.Request, why message.Message) {
	u := user(r)
	a.refusals.Note(r, u, u.Role.String(), why)
}

type userKey struct{}

// user returns who sends a request, as identify has determined; the zero User before that.
func user(r *http.Request) api.User {
	u, _ := r.Context().Value(userKey{}).(api.User)
	return u
}

// identify determines who sends a request, by socket, client certificate or session, before next is
// called.
func (a *access) identify(next http.Handler) http.Handler {
	return a.sessions.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 { // a body comes in time, or not at all; streams that are only written have no limit
			if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)); err != nil {
				api.WriteProblem(w, err)
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, a.caller(r))))
	}))
}

// caller returns who sends a request. The account is looked up with each one, so that a removed
// account is a guest's at once, whatever its session says. A client certificate counts before a
// session.
func (a *access) caller(r *http.Request) api.User {
	guest := api.User{Name: guestUser, Peer: api.Peer(r)}
	name := ""
	switch {
	case isLocal(r):
		return api.User{Name: localUser, Role: accounts.Admin, Peer: "socket"}
	// Without accounts, everybody who can reach the pages may look, and nobody may do anything.
	case a.book == nil:
		guest.Role = accounts.Viewer
		return guest
	case r.TLS != nil && len(r.TLS.VerifiedChains) > 0:
		name = r.TLS.VerifiedChains[0][0].Subject.CommonName
	default:
		name = a.sessions.User(r.Context())
	}
	if found, ok := a.book.Find(name); ok {
		return api.User{Name: found.Name, Role: found.Role, Peer: guest.Peer}
	}
	return guest
}

// isLocal reports whether a request came over the unix socket.
func isLocal(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && addr.Network() == "unix"
}

// Authorise implements api.Guard. A user needs the route's role and, for what changes something,
// the session's token, which a page of another site does not have (CSRF). What is refused is
// journalled later.
func (a *access) Authorise(r *http.Request, route *api.Route) (api.User, error) {
	u := user(r)
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case u.Role < route.Role && u.Name == guestUser:
		a.Refuse(r, message.New("access.not-signed-in"))
		return u, api.NewProblem(api.NotSignedIn, message.New("api.needs-role", message.Nested("role", route.Role.Message())))
	case u.Role < route.Role:
		a.Refuse(r, message.New("access.role", message.Nested("has", u.Role.Message()), message.Nested("role", route.Role.Message())))
		return u, api.NewProblem(api.RoleMissing, message.New("api.role-missing",
			message.Nested("role", route.Role.Message()), message.String("user", u.Name), message.Nested("has", u.Role.Message())))
	case !reads && !route.Open && !isLocal(r) && !a.sessions.HasToken(r):
		a.Refuse(r, message.New("access.no-token"))
		return u, api.NewProblem(api.TokenMissing, message.New("api.token"))
	}
	return u, nil
}

// Audit implements api.Guard: it journals an action before it is done. An error means that it must
// not be done.
func (a *access) Audit(ctx context.Context, u api.User, action string, text message.Message) error {
	// A journal that hangs must not hang the page.
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	_, err := a.commit(ctx, api.AccessRow(time.Now(), api.NewAccess(u, u.Role.String(), action, text)))
	return err
}
