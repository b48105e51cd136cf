package api

import "time"

// Erasure is the request of POST /v1/erasures; one of its fields is set.
type Erasure struct {
	Name   string    `json:"name,omitempty"`  // a plate, a tag, a code; it must stand whole in a personal field, or as a word
	Before time.Time `json:"before,omitzero"` // personal data that came before this is erased
}

// Erased is the answer of POST /v1/erasures.
type Erased struct {
	Rows      int64 `json:"rows"`      // whose personal data is erased now
	Artifacts int64 `json:"artifacts"` // pictures and documents that were removed
	// InClear counts rows of earlier versions that have the name in clear. They are signed so, and cannot be erased.
	InClear int64 `json:"in_clear"`
}
