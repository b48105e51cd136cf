package hub

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/evidence"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/ledger"
)

// agents answers hubapi.GetAgents: one summary for each journal, newest hello first. The header
// Link names the next page (RFC 8288); it is absent on the last one.
func (s *httpServer) agents(c *api.Call, in hubapi.AgentsQuery) ([]hubapi.AgentSummary, error) {
	after, err := parsePosition(in.After)
	if err != nil {
		return nil, err
	}
	journals, next, err := s.ledger.Journals(after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := []hubapi.AgentSummary{}
	for i := range journals {
		if one := &journals[i]; (ledger.Sender{Site: one.Site, Agent: one.Agent}) != hubjournal.Name && c.User.Sees(one.Site) {
			out = append(out, s.summary(one))
		}
	}
	if next != nil {
		q := url.Values{"after": {fmt.Sprintf("%d-%d", next.HelloNs, next.ID)}, "limit": {strconv.Itoa(in.Limit)}}
		c.Header.Set("Link", fmt.Sprintf(`</v1/agents?%s>; rel="next"`, q.Encode()))
	}
	return out, nil
}

// parsePosition parses the position of a page, HELLO-ID as the Link header of the page before has
// it; "" is the first page. What does not parse is the caller's error, 400.
func parsePosition(text string) (after ledger.Place, err error) {
	if text == "" {
		return after, nil
	}
	n, err := fmt.Sscanf(text, "%d-%d", &after.HelloNs, &after.ID)
	if err != nil || n != 2 || after.ID < 1 || after.HelloNs < 0 {
		return after, api.NewProblem(api.BadRequest, message.New("api.no-place", message.Quoted("after", text)))
	}
	return after, nil
}

// runText is a run in hex; empty for none.
func runText(run uint64) string {
	if run == 0 {
		return ""
	}
	return strconv.FormatUint(run, 16)
}

// summary combines what the ledger holds of a journal with the last state message of its agent. The
// state is left out when it is about another journal: after a replacement the old journal would
// seem to be online.
func (s *httpServer) summary(j *ledger.Summary) hubapi.AgentSummary {
	a := hubapi.AgentSummary{
		Run:  runText(s.boxes.run(j.Site, j.Agent)),
		Site: j.Site, Agent: j.Agent, Hello: time.Unix(0, j.HelloNs).UTC(), Software: j.Software,
		Journal: fmt.Sprintf("%x", j.Journal), Size: j.Size, Held: j.Contiguous, Verified: j.Verified,
		Refused: j.Refused.EN, RefusedFR: j.Refused.FR,
		Cursors: map[string]int64{}, Trouble: []hubapi.DeviceTrouble{}, Devices: j.Inventory.Devices, VerifyKey: j.Verifier,
		Console: j.Inventory.ConsoleUrl,
	}
	if len(j.ForkOf) > 0 {
		a.ForkOf = fmt.Sprintf("%x", j.ForkOf)
	}
	for class, idx := range j.Cursors {
		a.Cursors[class.Name()] = idx
	}
	said, ok := s.states.latest(j.Site, j.Agent)
	if !ok || said.Journal != a.Journal && said.Journal != "" {
		return a
	}
	a.Online, a.Heard = said.Online, &said.received
	for _, d := range said.Trouble {
		a.Trouble = append(a.Trouble, hubapi.DeviceTrouble{
			Device: d.Device, State: d.State, Reason: d.Reason, ReasonFR: d.ReasonFr, Since: time.Unix(0, d.SinceNs).UTC(),
		})
	}
	// An agent that is offline cannot know what has queued up since its last word.
	if said.Online {
		a.Waiting = map[string]int64{
			"alarm": said.WaitingAlarms, "event": said.WaitingEvents, "telemetry": said.WaitingTelemetry,
			"artifact": said.WaitingArtifacts,
		}
	}
	return a
}

// rekeyAgent serves hubapi.RekeyAgent: the key of an agent is changed, or forgotten so that the next one is taken.
func (s *httpServer) rekeyAgent(c *api.Call, in hubapi.Rekey) (act api.Act[api.Done], err error) {
	agent := ledger.Sender{Site: in.Site, Agent: in.Agent}
	known, err := s.ledger.Knows(agent)
	switch {
	case err != nil:
		return act, err
	case !known:
		return act, api.NewProblem(api.NotFound, message.New("api.no-agent", message.String("site", in.Site),
			message.String("agent", in.Agent)))
	case in.Key != "":
		if v, err := note.NewVerifier(in.Key); err != nil || v.Name() != evidence.KeyName(in.Site, in.Agent) {
			return act, api.NewProblem(api.BadRequest, message.New("api.no-agent-key", message.Quoted("key", in.Key),
				message.String("site", in.Site), message.String("agent", in.Agent)))
		}
	}
	act.Text = message.New("access.rekey", message.String("site", in.Site), message.String("agent", in.Agent), message.String("key", in.Key))
	act.Do = func(ctx context.Context) (done api.Done, err error) {
		s.opts.Log.Warn("an agent gets another key", "site", in.Site, "agent", in.Agent, "by", c.User.Name, "key", in.Key)
		return done, s.file(ctx, ledger.Rekey{Agent: agent, Key: in.Key})
	}
	return act, nil
}
