package hub

import (
	"context"
	"errors"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/notify"
)

// senders serves hubapi.GetSenders. Senders are of all sites: who sees some only is told of none.
func (s *httpServer) senders(c *api.Call, _ api.None) (hubapi.Senders, error) {
	if len(c.User.Sites) > 0 {
		return hubapi.Senders{Senders: []hubapi.Sender{}}, nil
	}
	return s.outside.State(), nil
}

// testSender serves hubapi.TestSender.
func (s *httpServer) testSender(c *api.Call, in hubapi.SenderTest) (act api.Act[hubapi.SenderTested], err error) {
	if len(c.User.Sites) > 0 {
		return act, api.NewProblem(api.RoleMissing, message.New("api.all-sites-needed", message.String("name", c.User.Name),
			message.String("sites", strings.Join(c.User.Sites, ", "))))
	}
	act.Text = message.New("access.sender-test", message.Quoted("rule", in.Rule), message.Quoted("receiver", in.Receiver))
	act.Do = func(ctx context.Context) (out hubapi.SenderTested, err error) {
		err = s.outside.Test(ctx, in.Rule, in.Receiver)
		switch {
		case errors.Is(err, notify.ErrNoPair):
			return out, api.ProblemOf(api.NotFound, err)
		case ctx.Err() != nil:
			return out, ctx.Err()
		case err != nil:
			said := message.Of(err).Text()
			out.Error = &said
		}
		return out, nil
	}
	return act, nil
}
