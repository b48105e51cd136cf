package hubapi

import "lanewarden/edge/api"

// Session is who has signed in on the hub's pages.
type Session struct {
	User     string      `json:"user"`              // "" for nobody
	Roles    []string    `json:"roles"`             // viewer, officer, analyst, expert, supervisor, list-issuer, operator, admin
	Scopes   []api.Scope `json:"scopes"`            // what they may
	Sites    []string    `json:"sites"`             // that they see; empty for all
	CSRF     string      `json:"csrf,omitempty"`    // token that requests which change something send as X-Csrf-Token
	Accounts bool        `json:"accounts"`          // whether the hub has accounts to sign in with
	SignOn   string      `json:"sign_on,omitempty"` // path that leads to the provider of identities; "" where there is none
}

// SignedOn is how a browser comes back from a provider of identities (RFC 6749, 4.1.2).
type SignedOn struct {
	State string `query:"state"`
	Code  string `query:"code"`
	Error string `query:"error"` // why the provider does not sign the person in
	// words of the provider
	ErrorDescription string `query:"error_description"`
	ErrorURI         string `query:"error_uri"`
	SessionState     string `query:"session_state"` // of some providers; not used
	Issuer           string `query:"iss"`           // RFC 9207
}

// The operations about sessions.
var (
	GetSession = api.Query[api.None, Session]{Route: api.Route{
		ID: "session", Pattern: "GET /v1/session", Summary: "Who has signed in, and what they may",
	}}
	PostSession = api.Action[api.SignIn, Session]{Route: api.Route{
		ID: "signIn", Pattern: "POST /v1/session", Audit: "sign-in", Open: true,
		Summary: "Sign in with an account of the hub",
		Note:    "Five wrong passwords in a row lock the account for that address, for a minute and longer (429).",
		Fails:   []api.Code{api.NotFound, api.WrongPassword, api.TooMany},
	}}
	DeleteSession = api.Action[api.None, Session]{Route: api.Route{
		ID: "signOut", Pattern: "DELETE /v1/session", Audit: "sign-out", Summary: "Sign out",
	}}
	SignOn = api.Stream[api.None]{Route: api.Route{
		ID: "signOn", Pattern: "GET /v1/sign-on", Media: "text/html",
		Summary: "Go to the provider of identities (OpenID Connect) to sign in",
		Fails:   []api.Code{api.NotFound, api.TooMany, api.Unavailable},
	}}
	SignOnBack = api.Stream[SignedOn]{Route: api.Route{
		ID: "signOnBack", Pattern: "GET /v1/sign-on/back", Media: "text/html",
		Summary: "Where the provider of identities sends a browser back",
		Note:    "The session begins once the sign-in is on record, and the browser goes to the first page.",
		Fails:   []api.Code{api.NotFound, api.NotSignedIn, api.Unavailable},
	}}
)
