// Package api is the contract of the HTTP sides of agent and hub, and what their servers and clients share. A table of
// routes with the types of requests and answers goes in; checked requests reach handlers, their answers and problems
// come out as HTTP, and the same table makes the client and the OpenAPI documents in docs/.
package api

import (
	"reflect"
	"strings"

	"lanewarden/edge/accounts"
)

// Scope is what a token of the hub's HTTP side allows.
type Scope string

// The scopes.
const (
	ScopeFeed      Scope = "feed"      // observations of all agents
	ScopeArtifacts Scope = "artifacts" // images and documents
	ScopeFleet     Scope = "fleet"     // how agents and hub are
	ScopeCases     Scope = "cases"     // take part in the adjudication of alarms
	ScopeCommands  Scope = "commands"  // send signed commands to agents
	ScopeLooks     Scope = "looks"     // see who looked at what
	ScopeAdmin     Scope = "admin"     // all of these
)

// Scopes returns all scopes.
func Scopes() []Scope {
	return []Scope{ScopeFeed, ScopeArtifacts, ScopeFleet, ScopeCases, ScopeCommands, ScopeLooks, ScopeAdmin}
}

// Route describes one operation of an HTTP side.
type Route struct {
	ID      string // operationId, the same for ever
	Pattern string // "METHOD /path/{parameter}", as http.ServeMux has it
	Summary string // one line
	Note    string // what else a caller must know, in Markdown; empty for nothing
	// Role is the least role that may call it.
	Role accounts.Role
	// Scope is what a token must allow, on the hub; "" for what everyone may call.
	Scope Scope
	// Owner is the least role that may do it to what somebody else began (Act.Owner); the others only to their own.
	// Nobody: it makes no difference whose it is.
	Owner accounts.Role
	// Audit is the action under which the journal says who did it, before it is done; empty for what changes nothing.
	Audit string
	// Open reports that the caller need not show the session's token: there is no session yet.
	Open bool
	// Media is the media type of the answer where that is not JSON; several are separated by a comma and a space.
	Media string
	// Body is the media type of the request's body where that is not JSON; "" for JSON or none.
	Body string
	// Items are values of the types that a stream consists of, for documents. Lines of NDJSON are of the first one.
	Items []any
	// Fails are the problems that callers should expect, beside those that each route can have.
	Fails []Code
}

// Method returns the HTTP method.
func (r *Route) Method() string {
	method, _, _ := strings.Cut(r.Pattern, " ")
	return method
}

// Path returns the path with its parameters in braces.
func (r *Route) Path() string {
	_, path, _ := strings.Cut(r.Pattern, " ")
	return path
}

// Operation is an entry of a table: a Query, an Action or a Stream.
type Operation interface {
	// Describe returns the route and the types of request and answer; out is nil where the answer is not JSON.
	Describe() (route *Route, in, out reflect.Type)
}

// None is the request of an operation without parameters.
type None struct{}

// Done is the answer of an action that has nothing to tell: the text "done".
type Done struct{}

// Query is an operation that changes nothing and answers JSON. The fields of In are parameters (see decode).
type Query[In, Out any] struct{ Route }

// Describe implements Operation.
func (q *Query[In, Out]) Describe() (*Route, reflect.Type, reflect.Type) {
	return &q.Route, reflect.TypeFor[In](), reflect.TypeFor[Out]()
}

// Action is an operation that changes something. With Route.Audit it is journalled before it is done. The fields of In
// are parameters and the body.
type Action[In, Out any] struct{ Route }

// Describe implements Operation.
func (a *Action[In, Out]) Describe() (*Route, reflect.Type, reflect.Type) {
	return &a.Route, reflect.TypeFor[In](), reflect.TypeFor[Out]()
}

// Stream is an operation whose answer is of a media type of its own, or has no end. At an agent it changes nothing.
type Stream[In any] struct{ Route }

// Describe implements Operation.
func (s *Stream[In]) Describe() (*Route, reflect.Type, reflect.Type) {
	return &s.Route, reflect.TypeFor[In](), nil
}
