package console

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/cases"
	"lanewarden/edge/cases/photo"
)

// Cases are the cases of the agent's lanes.
type Cases interface {
	Cases() []*cases.Case
	Case(id string) (*cases.Case, error)
	Act(ctx context.Context, act *observation.CaseEvent, revision int) (*cases.Case, error)
	// Attach is Act for artifacts that the journal has.
	Attach(ctx context.Context, act *observation.CaseEvent, files ...*observation.Artifact) (*cases.Case, error)
}

// noCases stands in for the cases of an agent whose lanes have no passages.
type noCases struct{}

func (noCases) Cases() []*cases.Case             { return nil }
func (noCases) Case(string) (*cases.Case, error) { return nil, nil }
func (noCases) Act(_ context.Context, act *observation.CaseEvent, _ int) (*cases.Case, error) {
	return nil, message.Errorf("cases.none", message.Quoted("id", act.Id))
}

func (noCases) Attach(_ context.Context, act *observation.CaseEvent, _ ...*observation.Artifact) (*cases.Case, error) {
	return nil, message.Errorf("cases.none", message.Quoted("id", act.Id))
}

// reader returns who looks at cases.
func reader(u api.User) cases.Reader {
	return cases.Reader{By: u.Name, Roles: []string{u.Role.String()}}
}

// concealed returns an observation as a user is to see it: what was said in a case is left out where they are to judge
// without knowing it. hidden is false for one that is shown as it is.
func (c *Console) concealed(idx int64, o *observation.Observation, u api.User) (shown *observation.Observation, hidden bool, err error) {
	if o.GetBody().GetCaseEvent() == nil {
		return o, false, nil
	}
	e, _ := cases.EventOf(c.Journal.Identity().ID, idx, o.Time(), o.Body.Typed())
	one, err := c.Cases.Case(e.Act.Id)
	if err != nil || one == nil {
		return o, false, err
	}
	body, hidden := one.Conceal(e, reader(u))
	if !hidden {
		return o, false, nil
	}
	shown = observation.New(o.Class, o.Time(), body)
	shown.Device, shown.Key = o.Device, o.Key
	return shown, true, nil
}

// listCases answers api.GetCases.
func (c *Console) listCases(r *api.Call, in api.CasesQuery) (out api.CaseList, err error) {
	out.Cases = []api.Case{}
	for _, one := range c.Cases.Cases() {
		if in.State != "open" || !one.State.Settled() {
			out.Cases = append(out.Cases, api.CaseOf(one, reader(r.User), time.Now(), false))
		}
	}
	return out, nil
}

// findCase returns a case, or the problem that there is none.
func (c *Console) findCase(id string) (*cases.Case, error) {
	one, err := c.Cases.Case(id)
	if err == nil && one == nil {
		err = api.NewProblem(api.NotFound, message.New("cases.none", message.Quoted("id", id)))
	}
	return one, err
}

// oneCase answers api.GetCase.
func (c *Console) oneCase(r *api.Call, in api.CaseQuery) (out api.Case, err error) {
	one, err := c.findCase(in.ID)
	if err != nil {
		return out, err
	}
	return api.CaseOf(one, reader(r.User), time.Now(), true), nil
}

// exportCases writes api.GetCasesCSV.
func (c *Console) exportCases(w http.ResponseWriter, r *api.Call, _ api.None) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out, err := cases.NewCSV(w, c.Site, c.Agent)
	if err != nil {
		return err
	}
	for _, one := range c.Cases.Cases() {
		if err := out.Write(one.Shown(reader(r.User))); err != nil {
			return err
		}
	}
	return out.Flush()
}

// actInCase checks api.PostCaseEvent. Users who have signed in speak for themselves. Notes and reasons are no part of the
// audit row: they stand in their own, where they can be erased.
func (c *Console) actInCase(r *api.Call, in api.CaseAct) (act api.Act[api.Case], err error) {
	if !isLocal(r.Request) {
		in.By = r.User.Name
	}
	if in.By == "" {
		return act, api.NewProblem(api.BadRequest, message.New("cases.no-name"))
	}
	event, err := in.Event(in.By, r.User.Role.String(), false)
	if err != nil {
		return act, err
	}
	if _, err := c.findCase(in.ID); err != nil {
		return act, err
	}
	act.Text = message.New("access.case", message.String("case", in.ID), message.Nested("action", cases.ActionMessage(event.Action)))
	act.Do = limited(func(ctx context.Context) (api.Case, error) {
		one, err := c.Cases.Act(ctx, event, in.Revision)
		if err != nil {
			return api.Case{}, err
		}
		return api.CaseOf(one, reader(r.User), time.Now(), true), nil
	})
	return act, nil
}

// photoTimeout bounds how long a photo is stored.
const photoTimeout = 15 * time.Second

// addPhoto checks api.PostCasePhoto. One photo is read at a time: each is in memory.
func (c *Console) addPhoto(r *api.Call, in api.CasePhoto) (act api.Act[api.Case], err error) {
	if !isLocal(r.Request) {
		in.By = r.User.Name
	}
	if in.By == "" {
		return act, api.NewProblem(api.BadRequest, message.New("cases.no-name"))
	}
	if _, err := c.findCase(in.ID); err != nil {
		return act, err
	}
	select {
	case c.photos <- struct{}{}:
		defer func() { <-c.photos }()
	case <-r.Context().Done():
		return act, r.Context().Err()
	}
	data, media, err := photo.Read(r.Body)
	if err != nil {
		return act, api.ProblemOf(api.BadRequest, err)
	}
	event := api.PhotoEvent(in.ID, in.Key, in.By, r.User.Role.String(), false)
	act.Text = message.New("access.case", message.String("case", in.ID), message.Nested("action", cases.ActionMessage(event.Action)))
	act.Do = func(ctx context.Context) (api.Case, error) {
		ctx, cancel := context.WithTimeout(ctx, photoTimeout)
		defer cancel()
		file, err := c.Journal.StoreArtifact(ctx, bytes.NewReader(data), media, "")
		if err != nil {
			return api.Case{}, err
		}
		one, err := c.Cases.Attach(ctx, event, file)
		if err != nil {
			return api.Case{}, err
		}
		return api.CaseOf(one, reader(r.User), time.Now(), true), nil
	}
	return act, nil
}
