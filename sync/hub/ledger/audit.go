package ledger

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/sync/hub/ledger/postgres"
	"lanewarden/sync/hub/ledger/sqlite"
	"lanewarden/sync/hub/ledger/store"
)

// Audited is the outcome of the audit of one journal's copy.
type Audited struct {
	Summary
	Report *evidence.Report
}

// Audit compares every journal's copy with its tiles and signed checkpoints, offline or beside a
// running hub. path is the hub's directory, the ledger file or the postgres:// URL of the ledger. verifierKey "" means the key that
// the hub has pinned for each agent; otherwise only journals that this key signed are found right.
// It stops with the context's error when ctx ends; out holds the journals that were audited before
// an error.
func Audit(ctx context.Context, path, verifierKey string) (out []Audited, err error) {
	in, err := openAudit(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return auditAll(in, verifierKey)
}

// EachBody calls f with the bodies of a journal's rows of some kinds, in their order, up to its first hole: a journal after
// the other, in the order of Audit. path is as for Audit; what rows have of personal values is not shown.
func EachBody(ctx context.Context, path string, kinds []observation.Kind, f func(Summary, int64, *observation.Observation) error) (err error) {
	in, err := openAudit(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return eachJournal(in, func(s Summary) error {
		return auditLog{in: in, of: s.record}.Rows(func(idx int64, r evidence.Record) error {
			if !slices.Contains(kinds, observation.Kind(r.Kind)) {
				return nil
			}
			body := &observation.Body{}
			if err := proto.Unmarshal(r.Body, body); err != nil {
				return err
			}
			return f(s, idx, &observation.Observation{Device: r.Device, Body: body})
		})
	})
}

// eachJournal calls f with each journal of a ledger.
func eachJournal(in store.Audit, f func(Summary) error) error {
	for next := (&Place{}); next != nil; {
		var page []Summary
		var err error
		if page, next, err = journals(in, *next, JournalsMax); err != nil {
			return err
		}
		for _, s := range page {
			if err := f(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// IsURL reports whether a text names a ledger in PostgreSQL.
func IsURL(text string) bool { return postgres.IsURL(text) }

// openAudit opens a ledger to be audited.
func openAudit(ctx context.Context, path string) (store.Audit, error) {
	if postgres.IsURL(path) {
		return postgres.OpenAudit(ctx, path)
	}
	if filepath.Ext(path) != ".db" {
		path = filepath.Join(path, FileName)
	}
	return sqlite.OpenAudit(ctx, path)
}

func auditAll(in store.Audit, verifierKey string) (out []Audited, err error) {
	err = eachJournal(in, func(s Summary) error {
		if verifierKey != "" {
			s.Verifier = verifierKey
		}
		report, err := auditOne(in, s)
		if err == nil {
			out = append(out, Audited{s, report})
		}
		return err
	})
	return out, err
}

// auditOne audits one journal.
func auditOne(in store.Audit, s Summary) (*evidence.Report, error) {
	verifier, err := note.NewVerifier(s.Verifier)
	if err != nil {
		return nil, err
	}
	log := auditLog{Evidence: in.Evidence(s.record), in: in, of: s.record}
	return evidence.Audit(log, s.record.BlindKey, verifier, originOf(Sender{Site: s.Site, Agent: s.Agent}, s.Journal, s.ForkOf))
}

// auditLog is one journal's copy as evidence.Audit reads it: the rows without holes.
type auditLog struct {
	store.Evidence
	in store.Audit
	of *store.Journal
}

// Tail implements evidence.Tailed.
func (a auditLog) Tail() ([]evidence.Hash, error) { return evidence.DecodeHashes(a.of.Tail) }

// Removed implements evidence.Thinned: the rows that are not here, as far as the agent's own rows declare them removed.
func (a auditLog) Removed() (out []evidence.Range, err error) {
	err = a.in.RowsOfKind(a.of.ID, observation.Kind_KIND_AGENT_PRUNED, func(text []byte) error {
		var body observation.Body
		if err := proto.Unmarshal(text, &body); err != nil {
			return err
		}
		for first, last := range body.GetAgentPruned().Removed() {
			out = append(out, evidence.Range{First: first, Last: last})
		}
		return nil
	})
	evidence.SortRanges(out)
	return out, err
}

// errHole ends the reading of rows.
var errHole = errors.New("hole")

// Rows implements evidence.Log. It ends at the first hole: rows after it wait for those before, and
// are in no checkpoint.
func (a auditLog) Rows(f func(int64, evidence.Record) error) error {
	next := int64(0)
	err := a.in.AuditRows(a.of, func(idx int64, r *evidence.Record) error {
		if idx != next {
			return errHole
		}
		next++
		if r == nil {
			return nil
		}
		return f(idx, *r)
	})
	if errors.Is(err, errHole) {
		return nil
	}
	return err
}
