package api

import (
	"time"
	"unicode/utf8"

	"lanewarden/drivers/message"
)

// minErased is the shortest name that may be erased, in characters: a shorter one is in too many texts.
const minErased = 3

// Erasure is the request of POST /v1/erasures; one of its fields is set.
type Erasure struct {
	Name   string    `json:"name,omitempty"`  // a plate, a tag, a code; it must stand whole in a personal field, or as a word
	Before time.Time `json:"before,omitzero"` // personal data that came before this is erased
}

// Check returns the problem of an erasure that does not say what it is of, or that is of the future.
func (e *Erasure) Check(now time.Time) error {
	byName := e.Name != ""
	switch {
	case byName != e.Before.IsZero(), byName && utf8.RuneCountInString(e.Name) < minErased:
		return NewProblem(BadRequest, message.New("erase.what", message.Int("least", minErased)))
	case e.Before.After(now):
		return NewProblem(BadRequest, message.New("erase.future"))
	}
	return nil
}

// Erased is the answer of POST /v1/erasures.
type Erased struct {
	Rows      int64 `json:"rows"`      // whose personal data is erased now
	Artifacts int64 `json:"artifacts"` // pictures and documents that were removed
	// InClear counts rows of earlier versions that have the name in clear. They are signed so, and cannot be erased.
	InClear int64 `json:"in_clear"`
}
