package hub

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/wire"
)

// commandEvery is how often a command is sent again that its agent does not say to have. An agent journals each copy
// that comes after that as a repeat.
const commandEvery = time.Minute

// receivedPrefix begins the name in a Get with which an agent says that it has a command.
const receivedPrefix = "received/"

// commands sends outstanding commands until ctx ends, each at once and then every commandEvery. It returns nil.
func (o *orderServer) commands(ctx context.Context) error {
	sent := map[string]time.Time{}
	for ctx.Err() == nil {
		all, err := o.repository.Outbox().All(time.Now())
		if err != nil {
			o.log.Error("commands are not sent", "err", err)
		}
		still := map[string]time.Time{}
		for _, one := range all {
			still[one.ID] = sent[one.ID]
			if time.Since(sent[one.ID]) < commandEvery {
				continue
			}
			still[one.ID] = time.Now()
			if err := o.command(one); err != nil {
				o.log.Warn("a command is not sent", "site", one.Order.Site, "agent", one.Order.Agent, "err", err)
			}
		}
		sent = still
		_ = wire.Pause(ctx, commandPoll) // an end of ctx ends the loop
	}
	return nil
}

// commandPoll is how often is looked for new commands.
const commandPoll = time.Second

func (o *orderServer) command(one orders.Outstanding) error {
	payload, err := o.codec.Encode(one.Command)
	if err != nil {
		return err
	}
	return o.source.publish(wire.Topic(one.Order.Site, one.Order.Agent, wire.LeafOrder), payload)
}

// received notes that an agent has a command.
func (o *orderServer) received(from ledger.Sender, name string) error {
	id := strings.TrimPrefix(name, receivedPrefix)
	if o.teller != nil {
		o.teller.received(id)
	}
	return o.repository.Outbox().Received(from.Site, from.Agent, id)
}

// sendCommand serves hubapi.SendCommand.
func (s *httpServer) sendCommand(c *api.Call, in hubapi.Command) (act api.Act[hubapi.CommandState], err error) {
	signed := &wire.Command{Key: in.Key}
	var wrong [2]error
	signed.Order, wrong[0] = base64.StdEncoding.DecodeString(in.Order)
	signed.Signature, wrong[1] = base64.StdEncoding.DecodeString(in.Signature)
	if errors.Join(wrong[:]...) != nil {
		return act, api.NewProblem(api.BadRequest, message.New("order.altered"))
	}
	act.Text = message.Verbatim(in.Key)
	if site, err := orders.SiteOf(signed); err == nil && !c.User.Sees(site) {
		return act, siteNotSeen(c.User, site)
	}
	act.Do = func(context.Context) (state hubapi.CommandState, err error) {
		one, err := s.repository.Outbox().Add(signed)
		if err != nil {
			return state, api.NewProblem(api.BadRequest, message.Of(err))
		}
		s.opts.Log.Info("a command is to be sent", "site", one.Order.Site, "agent", one.Order.Agent, "order", one.Order.Kind,
			"key", in.Key, "by", c.User.Name)
		return stateOf(one), nil
	}
	return act, nil
}

// outstanding serves hubapi.GetCommands.
func (s *httpServer) outstanding(c *api.Call, _ api.None) ([]hubapi.CommandState, error) {
	all, err := s.repository.Outbox().All(time.Now())
	out := []hubapi.CommandState{}
	for _, one := range all {
		if c.User.Sees(one.Order.Site) {
			out = append(out, stateOf(one))
		}
	}
	return out, err
}

func stateOf(one orders.Outstanding) hubapi.CommandState {
	return hubapi.CommandState{
		ID: one.ID, Site: one.Order.Site, Agent: one.Order.Agent, Order: one.Order.Kind, Key: one.Command.Key,
		Sequence: one.Order.Sequence, NotAfter: time.Unix(0, one.Order.NotAfterNs).UTC(),
	}
}
