package hub

import (
	"context"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/views"
	"lanewarden/sync/wire"
)

// How long a row about a case waits for the views to have it before it goes outside: they fold it within a second.
const (
	foldedWithin = 5 * time.Second
	foldedLook   = 50 * time.Millisecond
)

// outgoing makes of events what may go outside: to receivers of package notify and, as JSON, to readers at the broker.
type outgoing struct {
	cases *caseServer
	views *views.Views
}

// shown returns an event without what a second reader must not know yet: who receives it may be that reader, or may tell
// them. What was said in a case of which the views do not have the row in time, as while they are made anew, is left out
// likewise where the case's rules want that. An error is of ctx, or of the ledger.
func (o outgoing) shown(ctx context.Context, e *ledger.Event) (*ledger.Event, error) {
	if e.Kind != observation.Kind_KIND_CASE_EVENT {
		return e, nil
	}
	if err := o.await(ctx, e.Seq); err != nil {
		return nil, err
	}
	out := *e
	return &out, o.cases.conceal(cases.Reader{}, &out)
}

// await returns once the views have a row, or when it was waited long enough.
func (o outgoing) await(ctx context.Context, seq int64) error {
	for end := time.Now().Add(foldedWithin); ; {
		p, err := o.views.Progress()
		if err != nil || p.Seq >= seq {
			return err
		}
		if behind, err := o.views.Behind(time.Now()); err != nil || behind != nil || time.Now().After(end) {
			return err
		}
		if err := wire.Pause(ctx, foldedLook); err != nil {
			return err
		}
	}
}
