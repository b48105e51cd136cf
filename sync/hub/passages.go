package hub

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/views"
)

// passages serves hubapi.GetPassages. Who looks for a name looks at a person or a vehicle.
func (s *httpServer) passages(c *api.Call, in hubapi.PassagesQuery) (out hubapi.PassagePage, err error) {
	out.Passages = []hubapi.PassageSummary{}
	after, err := parsePlace(in.After)
	if err != nil {
		return out, err
	}
	search := views.Search{
		Names: map[string]string{}, Any: in.Name, ID: in.ID, Site: in.Site, Agent: in.Agent, Sites: c.User.Sites, Lane: in.Lane, Outcome: in.Outcome,
		Alarm: in.Alarm, From: in.From, To: in.To,
	}
	for kind, name := range map[string]string{observation.PlateName: in.Plate, observation.ContainerName: in.Container,
		observation.TagName: in.Tag, observation.CodeName: in.Code} {
		if name != "" {
			search.Names[kind] = name
		}
	}
	if text := cmp.Or(in.Plate, in.Container, in.Tag, in.Code, in.Name); text != "" {
		s.access.noteLook(c, message.New("look.search", message.String("text", text)))
	}
	found, next, err := s.views.Passages(search, after, in.Limit)
	if err != nil {
		return out, err
	}
	out.Next = placeText(next)
	if out.Partial, err = partial(s.views); err != nil {
		return out, err
	}
	out.Passages, err = summaries(found)
	return out, err
}

// placeText returns a place as queries have it, "" for none.
func placeText(p *views.Place) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%d-%d", p.At, p.No)
}

// parsePlace is the inverse of placeText. What does not parse is the caller's error, 400.
func parsePlace(text string) (p views.Place, err error) {
	if text == "" {
		return p, nil
	}
	n, err := fmt.Sscanf(text, "%d-%d", &p.At, &p.No)
	if err != nil || n != 2 || p.At < 0 || p.No < 0 {
		return p, api.NewProblem(api.BadRequest, message.New("api.no-place", message.Quoted("after", text)))
	}
	return p, nil
}

func summaries(found []views.Found) ([]hubapi.PassageSummary, error) {
	out := []hubapi.PassageSummary{}
	for i := range found {
		one, err := summaryOf(&found[i])
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func summaryOf(f *views.Found) (hubapi.PassageSummary, error) {
	text, err := api.ShownJSON(f.Document)
	return hubapi.PassageSummary{Site: f.Site, Agent: f.Agent, Outcome: f.Outcome, Passage: text}, err
}

// passage serves hubapi.GetPassage.
func (s *httpServer) passage(c *api.Call, in hubapi.PassageName) (out hubapi.PassageRecord, err error) {
	p, err := s.views.Passage(store.Sender{Site: in.Site, Agent: in.Agent}, in.ID)
	if errors.Is(err, views.ErrNone) {
		err = api.NewProblem(api.NotFound, message.New("api.no-passage"))
	}
	if err != nil {
		return out, err
	}
	s.access.noteLook(c, message.New("look.passage", message.String("passage", in.Site+" / "+in.Agent+" / "+in.ID)))
	if out.PassageSummary, err = summaryOf(&p.Found); err != nil {
		return out, err
	}
	out.Observations = []api.Line{}
	for _, idx := range slices.Sorted(maps.Keys(p.Observations)) {
		line, err := api.NewLine(idx, p.Observations[idx])
		if err != nil {
			return out, err
		}
		out.Observations = append(out.Observations, line)
	}
	if p.Decision != nil {
		d := api.NewDecision(p.Decision)
		out.Decision = &d
	} else if out.Elsewhere, err = s.decidedElsewhere(&p); err != nil {
		return out, err
	}
	if out.Overrides, err = shownLines(p.Overrides); err != nil {
		return out, err
	}
	if out.Earlier, err = s.earlier(c.User, &p); err != nil {
		return out, err
	}
	k := views.CaseKey{ID: in.ID}
	k.Site, k.Agent = in.Site, in.Agent
	changed, err := s.views.CaseChanged(k)
	if err != nil {
		return out, err
	}
	out.Case = changed > 0
	j, err := s.ledger.Journal(p.Owner)
	out.Proof = hubapi.Proof{Journal: fmt.Sprintf("%x", j.Journal), VerifyKey: j.Verifier, Verified: j.Verified}
	return out, err
}

// decidedElsewhere returns decisions about other passages that were about this vehicle.
func (s *httpServer) decidedElsewhere(p *views.Passage) (out []api.Decision, err error) {
	found, err := s.views.DecidedElsewhere(p)
	for i := range found {
		out = append(out, api.NewDecision(found[i].Decision))
	}
	return out, err
}

// maxEarlier is how many passages before are shown.
const maxEarlier = 10

// earlier returns the last passages of a plate or, without one, of a container, but for this one.
func (s *httpServer) earlier(u api.User, p *views.Passage) ([]hubapi.PassageSummary, error) {
	names := map[string]string{}
	switch d := p.Document; {
	case d.Plate != "":
		names[observation.PlateName] = d.Plate
	case len(d.Containers) > 0:
		names[observation.ContainerName] = d.Containers[0]
	default:
		return []hubapi.PassageSummary{}, nil
	}
	found, _, err := s.views.Passages(views.Search{Names: names, Sites: u.Sites}, views.Place{}, maxEarlier+1)
	if err != nil {
		return nil, err
	}
	return summaries(slices.DeleteFunc(found, func(f views.Found) bool {
		return f.Sender == p.Sender && f.Document.Id == p.Document.Id
	}))
}

// shownLines returns observations as pages have them. Their rows are not told.
func shownLines(all []*observation.Observation) ([]api.Line, error) {
	out := []api.Line{}
	for _, o := range all {
		line, err := api.NewLine(0, o)
		if err != nil {
			return nil, err
		}
		out = append(out, line)
	}
	return out, nil
}

// decisions serves hubapi.GetDecisions.
func (s *httpServer) decisions(c *api.Call, in hubapi.DecisionsQuery) (out hubapi.DecisionPage, err error) {
	out.Decisions = []hubapi.DecisionRecord{}
	after, err := parsePlace(in.After)
	if err != nil {
		return out, err
	}
	found, next, err := s.views.Decisions(views.DecisionSearch{
		Site: in.Site, Agent: in.Agent, Sites: c.User.Sites, Lane: in.Lane, Outcome: in.Outcome, From: in.From, To: in.To,
	}, after, in.Limit)
	if err != nil {
		return out, err
	}
	for i := range found {
		d := &found[i]
		one := hubapi.DecisionRecord{Site: d.Site, Agent: d.Agent, Decision: api.NewDecision(d.Decision)}
		if one.Overrides, err = shownLines(d.Overrides); err != nil {
			return out, err
		}
		out.Decisions = append(out.Decisions, one)
	}
	out.Next = placeText(next)
	out.Partial, err = partial(s.views)
	return out, err
}
