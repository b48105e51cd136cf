package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/edge/accounts"
)

// User is the person or program that sends a request.
type User struct {
	Name  string
	Role  accounts.Role // of an account at a lane
	Roles string        // of a person at the centre, with commas
	Sites []string      // that a person at the centre sees; none for all
	Peer  string        // address, or "socket"
}

// Sees reports whether a user may see a site.
func (u User) Sees(site string) bool { return len(u.Sites) == 0 || slices.Contains(u.Sites, site) }

// Peer returns the address that a request comes from, without its port.
func Peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Guard decides who may call an operation, and journals who did.
type Guard interface {
	// Authorise returns who sends a request, or the problem why they may not call the route. It has noted a refusal.
	Authorise(r *http.Request, route *Route) (User, error)
	// Refuse notes that a request was refused after it was authorised.
	Refuse(r *http.Request, why message.Message)
	// Audit journals what a user is about to do. It returns when that is durable.
	Audit(ctx context.Context, u User, action string, text message.Message) error
}

// Server serves the operations of a table.
type Server struct {
	Guard Guard // nil: everybody may do everything, and nothing is journalled
	Log   *slog.Logger
}

// Call is one request that is authorised and decoded.
type Call struct {
	*http.Request
	User   User
	Header http.Header // of the answer
	Status int         // of the answer; 0 for 200
}

// Bound is an operation with the function that serves it.
type Bound struct {
	*Route
	serve func(*Server, http.ResponseWriter, *http.Request) error
}

// Answer binds a query to the function that answers it.
func Answer[In, Out any](q *Query[In, Out], f func(*Call, In) (Out, error)) Bound {
	return bind(&q.Route, func(_ *Server, w http.ResponseWriter, c *Call, in In) error {
		out, err := f(c, in)
		if err == nil {
			c.write(w, out)
		}
		return err
	})
}

// Write binds a stream to the function that writes it. The function may return an error only before its first write.
func Write[In any](s *Stream[In], f func(http.ResponseWriter, *Call, In) error) Bound {
	return bind(&s.Route, func(_ *Server, w http.ResponseWriter, c *Call, in In) error { return f(w, c, in) })
}

// Act is an action that was decoded and checked: the audited operation, and the function that does it.
type Act[Out any] struct {
	User  User            // who does it; the caller when it has no name
	Owner string          // who began what it is done to; "" when only the role matters (Route.Owner)
	Text  message.Message // what exactly, for the journal
	// Do does it, after the journal says so. An error that is not a Problem is NotDone.
	Do func(context.Context) (Out, error)
}

// Perform binds an action to the function that checks its request. The function must not change anything: what the
// returned Act does happens after the journal says who does it, or not at all.
func Perform[In, Out any](a *Action[In, Out], check func(*Call, In) (Act[Out], error)) Bound {
	return bind(&a.Route, func(s *Server, w http.ResponseWriter, c *Call, in In) error {
		act, err := check(c, in)
		if err != nil {
			return err
		}
		if act.User.Name == "" {
			act.User = c.User
		}
		if err := s.record(c, &a.Route, act.User, act.Owner, act.Text); err != nil {
			return err
		}
		out, err := act.Do(c.Context())
		if err != nil {
			return asNotDone(err)
		}
		c.write(w, out)
		return nil
	})
}

// record journals an act before it is done. Its error is why it must not be done.
func (s *Server) record(c *Call, route *Route, u User, owner string, text message.Message) error {
	if s.Guard == nil || route.Audit == "" {
		return nil
	}
	if owner != "" && u.Name != owner && u.Role < route.Owner {
		why := message.New("api.not-owner", message.String("owner", owner))
		s.Guard.Refuse(c.Request, message.Join(": ", text, why))
		return NewProblem(NotOwner, why).
			WithDo(message.New("api.ask-owner", message.String("owner", owner),
				message.Nested("role", route.Owner.Message())))
	}
	if err := s.Guard.Audit(c.Context(), u, route.Audit, text); err != nil {
		return NewProblem(NotJournalled, message.New("api.not-journalled", message.CausedBy(err)))
	}
	return nil
}

// asNotDone returns err as a problem.
func asNotDone(err error) error {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return p
	}
	return ProblemOf(NotDone, err)
}

func bind[In any](route *Route, f func(*Server, http.ResponseWriter, *Call, In) error) Bound {
	input := newInput(reflect.TypeFor[In]())
	return Bound{route, func(s *Server, w http.ResponseWriter, r *http.Request) error {
		c := &Call{Request: r, Header: w.Header()}
		var err error
		if s.Guard != nil {
			if c.User, err = s.Guard.Authorise(r, route); err != nil {
				return err
			}
		}
		var in In
		if err := input.decode(w, r, reflect.ValueOf(&in).Elem()); err != nil {
			return err
		}
		return f(s, w, c, in)
	}}
}

// write answers with JSON, or with the text "done".
func (c *Call) write(w http.ResponseWriter, out any) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if _, ok := out.(Done); ok {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "done")
		return
	}
	h.Set("Content-Type", "application/json")
	if c.Status != 0 {
		w.WriteHeader(c.Status)
	}
	writeJSON(w, out)
}

// Handler returns a handler of operations and, for all other paths, of pages; nil for none. What is neither is
// answered with a problem.
func (s *Server) Handler(pages http.Handler, bound ...Bound) http.Handler {
	// A mux has patterns with methods or without, or they are in each other's way.
	operations, rest := http.NewServeMux(), http.NewServeMux()
	allowed := map[string][]string{}
	for _, b := range bound {
		allowed[b.Path()] = append(allowed[b.Path()], b.Method())
		operations.HandleFunc(b.Pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := b.serve(s, w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	for path, methods := range allowed {
		rest.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { notAllowed(w, r, methods...) })
	}
	rest.HandleFunc("/v1/", notFound)
	rest.Handle("/", onlyGet(pages))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := operations.Handler(r); pattern != "" {
			operations.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// onlyGet serves pages to those who read; without pages there is nothing.
func onlyGet(pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case pages == nil:
			notFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			notAllowed(w, r, http.MethodGet)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	WriteProblem(w, NewProblem(NotFound, message.New("api.no-page", message.Quoted("path", r.URL.Path))))
}

func notAllowed(w http.ResponseWriter, r *http.Request, methods ...string) {
	list := strings.Join(methods, ", ")
	w.Header().Set("Allow", list)
	WriteProblem(w, NewProblem(MethodNotAllowed, message.New("api.method", message.Quoted("method", r.Method),
		message.Quoted("path", r.URL.Path))).WithDo(message.New("api.use", message.String("methods", list))))
}

// fail answers with the problem that err is. Those that are the server's own fault are logged.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for the answer
	}
	if p := AsProblem(err); p.Code == Internal {
		s.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	WriteProblem(w, err)
}
