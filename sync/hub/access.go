package hub

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/api/session"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/people"
	"lanewarden/sync/hub/signon"
	"lanewarden/sync/hub/tokens"
)

// access decides who may use the HTTP side, and has it on record. It implements api.Guard. Programs show a token or a
// client certificate; persons sign in.
type access struct {
	tokens   *tokens.Book     // nil: no program may
	people   *people.Book     // nil: no accounts of the hub's own
	provider *signon.Provider // nil: none
	sessions *session.Keeper  // nil: nobody can sign in
	refusals session.Refusals
	journal  *hubjournal.Journal
}

// newAccess returns who may use the HTTP side, nil for everyone. A hub that other machines can reach must have TLS, and
// tokens or accounts: the ledger holds data of persons and vehicles. Errors are wrong settings, in both languages.
func newAccess(o *Options) (*access, error) {
	host, _, err := net.SplitHostPort(o.HTTP)
	if err != nil {
		return nil, message.Wrap(err, "lanehub.http-address", message.Quoted("address", o.HTTP))
	}
	signIn := o.HTTPAccounts != "" || o.OIDC != ""
	switch open := !loopback(host); {
	case open && o.HTTPCert == "":
		return nil, message.Errorf("lanehub.http-no-tls", message.String("address", o.HTTP))
	case open && o.HTTPTokens == "" && !signIn:
		return nil, message.Errorf("lanehub.http-no-tokens", message.String("address", o.HTTP))
	case o.HTTPClientCA != "" && (o.HTTPCert == "" || o.HTTPTokens == ""):
		return nil, message.Errorf("lanehub.http-ca-alone")
	case o.HTTPTokens == "" && !signIn:
		return nil, nil
	}
	a := &access{}
	if o.HTTPTokens != "" {
		if a.tokens, err = tokens.Open(o.HTTPTokens); err != nil {
			return nil, err
		}
	}
	if signIn {
		return a, a.letSignIn(o)
	}
	return a, nil
}

// letSignIn opens what persons sign in with. A browser that comes back from a provider comes from another site: it must
// bring its cookie then, which SameSite=Strict forbids.
func (a *access) letSignIn(o *Options) (err error) {
	site := http.SameSiteStrictMode
	if o.OIDC != "" {
		site = http.SameSiteLaxMode
		if a.provider, err = signon.Open(o.OIDC); err != nil {
			return err
		}
	}
	if o.HTTPAccounts != "" {
		if a.people, err = people.Open(o.HTTPAccounts); err != nil {
			return err
		}
	}
	a.sessions = session.NewKeeper(o.HTTPCert != "", site)
	return nil
}

// run ends old sessions and journals what was refused, until ctx ends. It returns nil.
func (a *access) run(ctx context.Context) error {
	t := time.NewTicker(session.Every)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			if a.sessions != nil {
				a.sessions.Sweep(now)
			}
			a.journal.NoteRefusals(ctx, &a.refusals)
		case <-ctx.Done():
			return nil
		}
	}
}

// withSessions gives requests their sessions, where persons can sign in.
func (a *access) withSessions(next http.Handler) http.Handler {
	if a == nil || a.sessions == nil {
		return next
	}
	return a.sessions.Wrap(next)
}

// Authorise implements api.Guard: a token as bearer (RFC 6750) or as the password of Basic (RFC 7617), a client
// certificate that was verified, or a person's session. What a session changes needs the session's token (CSRF), and
// nobody does anything to a site that they do not see.
func (a *access) Authorise(r *http.Request, route *api.Route) (api.User, error) {
	if holder, shown, ok := a.holder(r); shown {
		switch u := (api.User{Name: holder.Name, Peer: api.Peer(r)}); {
		case ok && (route.Scope == "" || holder.Allowed(route.Scope)):
			return u, nil
		case ok:
			return u, a.refuse(r, u, scopeMissing(route, holder.Name))
		}
	} else if p, ok := a.person(r); ok {
		return a.authorisePerson(r, route, p)
	}
	u := api.User{Peer: api.Peer(r)}
	if route.Scope == "" {
		return u, nil
	}
	return u, a.refuse(r, u, a.notSignedIn(route))
}

func (a *access) authorisePerson(r *http.Request, route *api.Route, p people.Person) (api.User, error) {
	u := api.User{Name: p.Name, Roles: p.RoleNames(), Sites: p.Sites, Peer: api.Peer(r)}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch site := r.PathValue("site"); {
	case route.Scope != "" && !p.Allowed(route.Scope):
		return u, a.refuse(r, u, scopeMissing(route, p.Name))
	case !reads && !route.Open && !a.sessions.HasToken(r):
		return u, a.refuse(r, u, api.NewProblem(api.TokenMissing, message.New("api.token")))
	case site != "" && !u.Sees(site):
		return u, a.refuse(r, u, siteNotSeen(u, site))
	}
	return u, nil
}

// notSignedIn asks for a token, and browsers for one where nobody can sign in on the page.
func (a *access) notSignedIn(route *api.Route) *api.Problem {
	if a.sessions != nil {
		return api.NewProblem(api.NotSignedIn, message.New("api.sign-in-needed", message.String("scope", string(route.Scope))))
	}
	return api.NewProblem(api.NotSignedIn, message.New("api.token-needed", message.String("scope", string(route.Scope)))).
		WithChallenge(`Basic realm="lanehub", charset="UTF-8"`)
}

func scopeMissing(route *api.Route, name string) *api.Problem {
	return api.NewProblem(api.RoleMissing, message.New("api.scope-missing", message.String("scope", string(route.Scope)),
		message.String("name", name)))
}

func siteNotSeen(u api.User, site string) *api.Problem {
	return api.NewProblem(api.RoleMissing, message.New("api.site-not-seen", message.Quoted("site", site), message.String("name", u.Name),
		message.String("sites", strings.Join(u.Sites, ", "))))
}

// holder returns whose request it is. shown is false when it shows no credential, ok when it shows one that the tokens
// file does not know. A wrong token counts as none, even when a good certificate comes with it: the first credential in
// this order decides.
func (a *access) holder(r *http.Request) (h tokens.Holder, shown, ok bool) {
	if a.tokens == nil {
		return h, r.Header.Get("Authorization") != "", false
	}
	if token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); bearer {
		h, ok = a.tokens.ByToken(strings.TrimSpace(token))
		return h, true, ok
	}
	if _, password, basic := r.BasicAuth(); basic {
		h, ok = a.tokens.ByToken(password)
		return h, true, ok
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		h, ok = a.tokens.ByCertificate(r.TLS.PeerCertificates[0].Subject.CommonName)
		return h, true, ok
	}
	return h, false, false
}

// elsewhere is under which name a session keeps what a provider said of a person, as JSON.
const elsewhere = "person"

// person returns who has signed in. An account of the hub's own is looked up with each request, so that one who is
// removed is out at once; what a provider said holds until the session ends.
func (a *access) person(r *http.Request) (p people.Person, ok bool) {
	if a.sessions == nil {
		return p, false
	}
	name := a.sessions.User(r.Context())
	if name == "" {
		return p, false
	}
	if said := a.sessions.Get(r.Context(), elsewhere); said != "" {
		return p, json.Unmarshal([]byte(said), &p) == nil
	}
	if a.people == nil {
		return p, false
	}
	return a.people.Find(name)
}

// refuse notes a refusal and returns it.
func (a *access) refuse(r *http.Request, u api.User, why *api.Problem) *api.Problem {
	a.refusals.Note(r, u, u.Roles, message.Of(why))
	return why
}

// Refuse implements api.Guard.
func (a *access) Refuse(r *http.Request, why message.Message) {
	u := api.User{Peer: api.Peer(r)}
	if p, ok := a.person(r); ok {
		u.Name, u.Roles = p.Name, p.RoleNames()
	}
	a.refusals.Note(r, u, u.Roles, why)
}

// Audit implements api.Guard: it journals an action before it is done. An error means that it must not be done.
func (a *access) Audit(ctx context.Context, u api.User, action string, text message.Message) error {
	return a.journal.Note(ctx, u, action, text)
}

// noteLook journals that the caller looks at something. Without tokens nobody has a name, and nobody but this machine's
// own users may look.
func (a *access) noteLook(r *api.Call, at message.Message) {
	if a != nil {
		a.journal.NoteLook(r.Context(), r.User, at)
	}
}
