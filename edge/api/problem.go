package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
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

// kind holds the status, the title and the advice that all problems of a code share.
type kind struct {
	status int
	title  string
	do     string // what the caller can do; empty where that depends on the case
}

var problemKinds = map[Code]kind{
	BadRequest:       {http.StatusBadRequest, "The request is wrong", ""},
	RequestTimeout:   {http.StatusRequestTimeout, "The request did not come in time", "send it again"},
	TooLarge:         {http.StatusRequestEntityTooLarge, "The request is too large", ""},
	UnknownParameter: {http.StatusBadRequest, "A parameter is unknown", ""},
	NotSignedIn:      {http.StatusUnauthorized, "Nobody is signed in", "sign in first"},
	WrongPassword:    {http.StatusUnauthorized, "Sign-in failed", "check name and password"},
	RoleMissing:      {http.StatusForbidden, "The account's role may not do this", ""},
	TokenMissing:     {http.StatusForbidden, "The session's token is missing", "reload the page"},
	NotOwner:         {http.StatusForbidden, "Somebody else began this", ""},
	NotFound:         {http.StatusNotFound, "There is no such thing", ""},
	MethodNotAllowed: {http.StatusMethodNotAllowed, "The method is not allowed here", ""},
	NotDone:          {http.StatusConflict, "It could not be done", ""},
	CursorGone:       {http.StatusGone, "The cursor is of rows that are gone", "read again from after=0: ids tell what is known"},
	WrongHost:        {http.StatusMisdirectedRequest, "The server has another name", ""},
	NotDrawable:      {http.StatusUnprocessableEntity, "The artifact cannot be drawn", ""},
	TooMany:          {http.StatusTooManyRequests, "Too many requests", ""},
	Internal:         {http.StatusInternalServerError, "The server failed", ""},
	NotJournalled: {
		http.StatusServiceUnavailable, "The journal accepts nothing", "look at the disk: lanectl doctor says what is wrong",
	},
	NotHereYet:  {http.StatusServiceUnavailable, "It is not here yet", ""},
	Unavailable: {http.StatusServiceUnavailable, "It is not available at the moment", "try again"},
}

// Codes returns all kinds of problem, sorted.
func Codes() []Code { return slices.Sorted(maps.Keys(problemKinds)) }

// Status returns the HTTP status of a kind of problem.
func (c Code) Status() int { return problemKinds[c].status }

// Title returns what all problems of the kind have in common, in English.
func (c Code) Title() string { return problemKinds[c].title }

// Problem is an error as both HTTP sides answer it: a problem document (RFC 9457, application/problem+json).
type Problem struct {
	Type   string `json:"type"` // urn:lanewarden:problem:CODE
	Code   Code   `json:"code"`
	Title  string `json:"title"`        // of all problems of this code
	Status int    `json:"status"`       // HTTP status
	Detail string `json:"detail"`       // this problem, in a sentence
	Do     string `json:"do,omitempty"` // what to do about it

	RetryAfter time.Duration `json:"-"` // as the header Retry-After; 0 for none
}

// Problemf returns a problem of a kind; the arguments are its detail.
func Problemf(code Code, format string, args ...any) *Problem {
	k := problemKinds[code]
	return &Problem{
		Type: ProblemType + string(code), Code: code, Title: k.title, Status: k.status,
		Detail: fmt.Sprintf(format, args...), Do: k.do,
	}
}

// WithDo sets what to do, and returns the problem.
func (p *Problem) WithDo(format string, args ...any) *Problem {
	p.Do = fmt.Sprintf(format, args...)
	return p
}

// After sets when to try again, and returns the problem.
func (p *Problem) After(d time.Duration) *Problem {
	p.RetryAfter = d
	return p
}

// Error returns the detail, and what to do.
func (p *Problem) Error() string {
	switch {
	case p.Detail == "":
		return p.Title
	case p.Do == "":
		return p.Detail
	}
	return p.Detail + ": " + p.Do
}

// AsProblem returns the problem that err is or wraps; any other error is Internal.
func AsProblem(err error) *Problem {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return p
	}
	return Problemf(Internal, "%v", err)
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
	w.WriteHeader(p.Status)
	writeJSON(w, p)
}

// writeJSON writes v without escapes that are for HTML only. A client that is gone is not the server's error.
func writeJSON(w http.ResponseWriter, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}
