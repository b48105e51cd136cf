package hub

import (
	"context"
	"net"
	"net/http"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/tokens"
)

// access decides who may use the HTTP side, and has it on record. It implements api.Guard.
type access struct {
	book    *tokens.Book
	journal *hubjournal.Journal
}

// newAccess returns who may use the HTTP side, nil for everyone. A hub that other machines can
// reach must have TLS and tokens: the ledger holds data of persons and vehicles. Errors are wrong
// settings, in both languages.
func newAccess(o *Options) (*access, error) {
	host, _, err := net.SplitHostPort(o.HTTP)
	if err != nil {
		return nil, message.Wrap(err, "lanehub.http-address", message.Quoted("address", o.HTTP))
	}
	switch open := !loopback(host); {
	case open && o.HTTPCert == "":
		return nil, message.Errorf("lanehub.http-no-tls", message.String("address", o.HTTP))
	case open && o.HTTPTokens == "":
		return nil, message.Errorf("lanehub.http-no-tokens", message.String("address", o.HTTP))
	case o.HTTPClientCA != "" && (o.HTTPCert == "" || o.HTTPTokens == ""):
		return nil, message.Errorf("lanehub.http-ca-alone")
	case o.HTTPTokens == "":
		return nil, nil
	}
	book, err := tokens.Open(o.HTTPTokens)
	if err != nil {
		return nil, err
	}
	return &access{book: book}, nil
}

// Authorise implements api.Guard: a token as bearer (RFC 6750) or as the password of Basic (RFC 7617, so that browsers
// ask for it), or a client certificate that was verified.
func (a *access) Authorise(r *http.Request, route *api.Route) (api.User, error) {
	if route.Scope == "" {
		return api.User{}, nil
	}
	holder, ok := a.holder(r)
	if !ok {
		return api.User{}, api.NewProblem(api.NotSignedIn, message.New("api.token-needed", message.String("scope", string(route.Scope)))).
			WithChallenge(`Basic realm="lanehub", charset="UTF-8"`)
	}
	if !holder.Allowed(route.Scope) {
		return api.User{}, api.NewProblem(api.RoleMissing, message.New("api.scope-missing",
			message.String("scope", string(route.Scope)), message.String("name", holder.Name)))
	}
	return api.User{Name: holder.Name, Peer: api.Peer(r)}, nil
}

// holder returns whose request it is; ok is false when it shows nothing that the tokens file knows.
// A wrong token counts as none, even when a good certificate comes with it: the first credential in
// this order decides.
func (a *access) holder(r *http.Request) (tokens.Holder, bool) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return a.book.ByToken(strings.TrimSpace(token))
	}
	if _, password, ok := r.BasicAuth(); ok {
		return a.book.ByToken(password)
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return a.book.ByCertificate(r.TLS.PeerCertificates[0].Subject.CommonName)
	}
	return tokens.Holder{}, false
}

// Refuse implements api.Guard. A refusal is not recorded here.
func (a *access) Refuse(*http.Request, message.Message) {}

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
