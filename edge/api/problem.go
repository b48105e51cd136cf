package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"lanewarden/drivers/message"
)

// Code names a kind of problem. Programs may branch on it; it stays the same when texts change.
type Code string

// The kinds of problem of agent and hub.
const (
	BadRequest       Code = "bad-request"
	RequestTimeout   Code = "request-timeout"
	TooLarge         Code = "too-large"
	UnknownParameter Code = "unknown-parameter"
	NotSignedIn      Code = "not-signed-in"
	WrongPassword    Code = "wrong-password"
	RoleMissing      Code = "role-missing"
	TokenMissing     Code = "token-missing"
	NotOwner         Code = "not-owner"
	NotFound         Code = "not-found"
	MethodNotAllowed Code = "method-not-allowed"
	NotDone          Code = "not-done"
	CursorGone       Code = "cursor-gone"
	WrongHost        Code = "wrong-host"
	NotDrawable      Code = "not-drawable"
	TooMany          Code = "too-many"
	Internal         Code = "internal"
	NotJournalled    Code = "not-journalled"
	NotHereYet       Code = "not-here-yet"
	Unavailable      Code = "unavailable"
)

// ProblemType is the first part of Problem.Type; the code follows.
const ProblemType = "urn:lanewarden:problem:"

// kind holds what all problems of a code share. The catalogue may have advice for the title; where that depends on the
// case, the problem brings its own.
type kind struct {
	status int
	title  string // code of the catalogue
}

var problemKinds = map[Code]kind{
	BadRequest:       {http.StatusBadRequest, "problem.bad-request"},
	RequestTimeout:   {http.StatusRequestTimeout, "problem.request-timeout"},
	TooLarge:         {http.StatusRequestEntityTooLarge, "problem.too-large"},
	UnknownParameter: {http.StatusBadRequest, "problem.unknown-parameter"},
	NotSignedIn:      {http.StatusUnauthorized, "problem.not-signed-in"},
	WrongPassword:    {http.StatusUnauthorized, "problem.wrong-password"},
	RoleMissing:      {http.StatusForbidden, "problem.role-missing"},
	TokenMissing:     {http.StatusForbidden, "problem.token-missing"},
	NotOwner:         {http.StatusForbidden, "problem.not-owner"},
	NotFound:         {http.StatusNotFound, "problem.not-found"},
	MethodNotAllowed: {http.StatusMethodNotAllowed, "problem.method-not-allowed"},
	NotDone:          {http.StatusConflict, "problem.not-done"},
	CursorGone:       {http.StatusGone, "problem.cursor-gone"},
	WrongHost:        {http.StatusMisdirectedRequest, "problem.wrong-host"},
	NotDrawable:      {http.StatusUnprocessableEntity, "problem.not-drawable"},
	TooMany:          {http.StatusTooManyRequests, "problem.too-many"},
	Internal:         {http.StatusInternalServerError, "problem.internal"},
	NotJournalled:    {http.StatusServiceUnavailable, "problem.not-journalled"},
	NotHereYet:       {http.StatusServiceUnavailable, "problem.not-here-yet"},
	Unavailable:      {http.StatusServiceUnavailable, "problem.unavailable"},
}

// Codes returns all kinds of problem, sorted.
func Codes() []Code { return slices.Sorted(maps.Keys(problemKinds)) }

// Status returns the HTTP status of a kind of problem.
func (c Code) Status() int { return problemKinds[c].status }

// Title returns what all problems of the kind have in common, in English.
func (c Code) Title() string { return message.New(problemKinds[c].title).English() }

// Problem is an error as both HTTP sides answer it: a problem document (RFC 9457, application/problem+json).
type Problem struct {
	Type   string      `json:"type"` // urn:lanewarden:problem:CODE
	Code   Code        `json:"code"`
	Title  string      `json:"title"`        // of all problems of this code, in English
	Status int         `json:"status"`       // HTTP status
	Detail string      `json:"detail"`       // this problem, in a sentence
	Do     string      `json:"do,omitempty"` // what to do about it
	Text   ProblemText `json:"text,omitzero"`

	RetryAfter time.Duration `json:"-"` // as the header Retry-After; 0 for none
	Challenge  string        `json:"-"` // as the header WWW-Authenticate (RFC 9110, 11.6.1); "" for none
}

// ProblemText holds the text of a problem in all languages, for pages and programs that show it.
type ProblemText struct {
	Title  message.Text `json:"title"`
	Detail message.Text `json:"detail"`
	Do     message.Text `json:"do,omitzero"`
}

// NewProblem returns a problem of a kind. What to do is the catalogue's advice for the detail, or else that for the
// title.
func NewProblem(code Code, detail message.Message) *Problem {
	k := problemKinds[code]
	title := message.New(k.title)
	p := &Problem{
		Type: ProblemType + string(code), Code: code, Title: title.English(), Status: k.status,
		Detail: detail.English(), Text: ProblemText{Title: title.Text(), Detail: detail.Text()},
	}
	if do := detail.Do(); !do.IsZero() {
		return p.WithDo(do)
	}
	return p.WithDo(title.Do())
}

// ProblemOf returns a problem of a kind whose detail is what an error says.
func ProblemOf(code Code, err error) *Problem { return NewProblem(code, message.Of(err)) }

// WithDo sets what to do, and returns the problem.
func (p *Problem) WithDo(do message.Message) *Problem {
	p.Do, p.Text.Do = do.English(), message.Text{}
	if !do.IsZero() {
		p.Text.Do = do.Text()
	}
	return p
}

// After sets when to try again, and returns the problem.
func (p *Problem) After(d time.Duration) *Problem {
	p.RetryAfter = d
	return p
}

// WithChallenge sets how to say who one is, and returns the problem.
func (p *Problem) WithChallenge(challenge string) *Problem {
	p.Challenge = challenge
	return p
}

// Error returns the detail, and what to do.
func (p *Problem) Error() string { return p.Message().English() }

// Unwrap returns the problem as an error of package message, so that message.Of says it in each language.
func (p *Problem) Unwrap() error { return &message.Error{Message: p.Message()} }

// Message returns the detail, and what to do. A server of an older version gave both in English only.
func (p *Problem) Message() message.Message {
	part := func(text message.Text, english string) message.Message {
		if text.IsZero() {
			return message.Verbatim(english)
		}
		return text.Message()
	}
	detail, do := part(p.Text.Detail, p.Detail), part(p.Text.Do, p.Do)
	switch {
	case detail.IsZero():
		return part(p.Text.Title, p.Title)
	case do.IsZero():
		return detail
	}
	return message.New("api.detail-do", message.Nested("detail", detail), message.Nested("do", do))
}

// AsProblem returns the problem that err is or wraps; any other error is Internal.
func AsProblem(err error) *Problem {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return p
	}
	return ProblemOf(Internal, err)
}

// WriteProblem answers a request with a problem. Nothing must have been written before.
func WriteProblem(w http.ResponseWriter, err error) {
	p, h := AsProblem(err), w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.RetryAfter.Seconds())))
	}
	if p.Challenge != "" {
		h.Set("WWW-Authenticate", p.Challenge)
	}
	w.WriteHeader(p.Status)
	writeJSON(w, p)
}

// writeJSON writes v without escapes that are for HTML only. A client that is gone is not the server's error.
func writeJSON(w http.ResponseWriter, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}
