package hub

import (
	"context"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/ledger"
)

// erase serves hubapi.Erase.
func (s *httpServer) erase(c *api.Call, in api.Erasure) (act api.Act[api.Erased], err error) {
	if err := in.Check(time.Now()); err != nil {
		return act, err
	}
	act.Text = message.New("erase.name")
	if in.Name == "" {
		act.Text = message.New("erase.before", message.Date("date", in.Before.UTC()))
	}
	act.Do = func(ctx context.Context) (api.Erased, error) {
		rows, err := s.erasePages(ctx, in.Name, in.Before)
		// the name is what is to be forgotten: it does not go into the log
		s.opts.Log.Warn("personal data was erased", "by", c.User.Name, "before", in.Before, "rows", rows, "err", err)
		return api.Erased{Rows: rows}, err
	}
	return act, nil
}

// erasePages has the ledger erase page by page, and returns how many rows that were.
func (s *httpServer) erasePages(ctx context.Context, name string, before time.Time) (rows int64, err error) {
	for page := (&ledger.ErasePage{}); ; {
		if err := s.file(ctx, ledger.Erase{Name: name, Before: before, After: page.After, Page: page}); err != nil {
			return rows, err
		}
		rows += page.Rows
		if page.Done {
			return rows, nil
		}
	}
}

// eraseEvery is how often personal data is looked through for what was kept for long enough.
const eraseEvery = time.Hour

// keepPersonal erases personal data that was kept for long enough, while the clock is trusted, until ctx ends. It returns
// ctx's error.
func (s *httpServer) keepPersonal(ctx context.Context) error {
	if s.opts.Personal == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	timer := time.NewTicker(eraseEvery)
	defer timer.Stop()
	for {
		if s.opts.ClockTrusted() {
			rows, err := s.erasePages(ctx, "", time.Now().Add(-s.opts.Personal))
			if err != nil {
				return err // ctx has ended
			}
			if rows > 0 {
				s.opts.Log.Info("personal data was erased for its age", "rows", rows)
			}
		}
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
