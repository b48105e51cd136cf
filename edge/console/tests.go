package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/console/accounts"
	"lanewarden/edge/diag/guided"
)

// tests serves GET /v1/tests.
func (c *Console) tests(w http.ResponseWriter, _ *http.Request) {
	out := api.TestList{Tests: []api.TestOffer{}, Run: c.Tests.View()}
	for _, o := range c.Tests.Offers(time.Now()) {
		one := api.TestOffer{Offer: o}
		if o.Last != nil {
			text, err := observation.JSON(o.Last)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			one.Last = text
		}
		out.Tests = append(out.Tests, one)
	}
	answer(w, out)
}

// startTest serves POST /v1/tests.
func (c *Console) startTest(w http.ResponseWriter, r *http.Request) {
	var in api.TestStart
	if !order(w, r, &in) {
		return
	}
	c.carry(w, r, "test", in.Device+" "+in.Test, func(ctx context.Context) (any, error) {
		return nil, c.Tests.Start(ctx, in.Device, in.Test, user(r).Name)
	})
}

// actTest serves POST /v1/tests/run.
func (c *Console) actTest(w http.ResponseWriter, r *http.Request) {
	var in api.TestAct
	if !order(w, r, &in) {
		return
	}
	run := c.Tests.View()
	if run == nil || run.Verdict != "" {
		http.Error(w, guided.ErrNone.Error(), http.StatusConflict)
		return
	}
	if u := user(r); in.Action == "abandon" && u.Name != run.By && u.Role < accounts.Admin {
		c.access.refuse(r, "abandoning a test that "+run.By+" runs")
		http.Error(w, fmt.Sprintf("%s runs this test: only they or an admin may abandon it", run.By), http.StatusForbidden)
		return
	}
	text := fmt.Sprintf("%s %s, step %d: %s", run.Device, run.Test, run.Step+1, in.Action)
	if in.Action == "number" {
		text += fmt.Sprintf(" %g", in.Number)
	}
	if err := c.access.audit(r.Context(), user(r), "test", text); err != nil {
		http.Error(w, "not journalled, so not done: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	err := c.Tests.Act(r.Context(), in.Action, in.Number)
	switch {
	case errors.Is(err, guided.ErrNone):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		answer(w, c.Tests.View())
	}
}
