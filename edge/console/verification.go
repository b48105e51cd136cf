package console

import (
	"context"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
)

// verify checks api.PostVerification: all rows are hashed again and compared with what was signed.
// One verification runs at a time, as it takes a core. The journal says who began it, and then what
// came of it.
func (c *Console) verify(r *api.Call, _ api.None) (api.Act[api.Verdict], error) {
	return api.Act[api.Verdict]{Text: message.New("access.begun"), Do: func(ctx context.Context) (v api.Verdict, err error) {
		select {
		case c.verifying <- struct{}{}:
			defer func() { <-c.verifying }()
		default:
			return v, api.NewProblem(api.NotDone, message.New("api.verifying"))
		}
		if v, err = c.hashAll(ctx); err != nil {
			return v, api.ProblemOf(api.Internal, err)
		}
		text := message.New("access.verified", message.Count("n", v.Rows))
		if !v.OK {
			text = message.New("access.not-verified", message.Count("n", v.Rows))
		}
		if err := c.access.Audit(ctx, r.User, api.PostVerification.Audit, text); err != nil {
			return v, api.NewProblem(api.NotJournalled, message.New("api.result-not-journalled", message.CausedBy(err)))
		}
		return v, nil
	}}, nil
}

// hashAll hashes every row of the journal again, with the journal's own key. It takes seconds for a
// million rows.
func (c *Console) hashAll(ctx context.Context) (api.Verdict, error) {
	begin := time.Now()
	_, report, err := journal.Audit(ctx, c.JournalDir, "")
	if err != nil {
		return api.Verdict{}, err
	}
	return api.Verdict{
		OK: report.OK(), Rows: report.Rows, Signed: report.Signed, Checkpoints: report.Checkpoints,
		Root: report.Root.String(), Findings: findings(report.Findings), Seconds: time.Since(begin).Seconds(),
	}, nil
}

// findings returns what verification found, in all languages.
func findings(all []error) []message.Text {
	out := make([]message.Text, len(all))
	for i, f := range all {
		out[i] = message.Of(f).Text()
	}
	return out
}
