package api

// SignIn is the request of POST /v1/session.
type SignIn struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// SessionInfo is the answer of GET, POST and DELETE /v1/session.
type SessionInfo struct {
	User     string `json:"user"`           // "local" on the unix socket, "guest" without a session
	Role     string `json:"role"`           // nobody, viewer, technician, officer or admin
	CSRF     string `json:"csrf,omitempty"` // token that requests which change something send as X-Csrf-Token
	Accounts bool   `json:"accounts"`       // whether there are accounts to sign in with
}
