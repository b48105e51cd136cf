package hub

import (
	"fmt"
	"log/slog"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// Bytes that agents may have in flight.
const (
	totalCredit = 32 << 20 // all agents together
	minCredit   = 64 << 10 // one agent
	maxCredit   = 4 << 20  // one agent
)

// acks sends acknowledgements. One that is lost does no harm: the agent asks again.
type acks struct {
	codec   *wire.Codec
	source  source
	states  *states
	metrics *metrics
	log     *slog.Logger
}

// send publishes the ledger's answers, and logs refusals and defects; waiting is how many messages queue up.
func (a *acks) send(answers []ledger.Answer, waiting int) {
	credit := a.creditFor(waiting)
	for _, one := range answers {
		if one.Ack.Refusal != wire.Refusal_REFUSAL_NONE {
			a.metrics.refusals.Inc()
			a.log.Warn("refused", "site", one.Site, "agent", one.Agent,
				"code", one.Ack.Refusal.String(), "why", one.Ack.RefusalText)
		}
		if one.Defect != "" {
			a.log.Error("a message brought a defect of the hub to light",
				"site", one.Site, "agent", one.Agent, "where", one.Defect)
		}
		if err := a.publish(one, credit); err != nil {
			a.log.Warn("acknowledgement was not sent", "err", err)
		}
	}
}

// refuse answers a message that does not get as far as the ledger.
func (a *acks) refuse(to ledger.Sender, journal []byte, code wire.Refusal, said message.Message) {
	text := said.Text()
	ack := &wire.Ack{Journal: journal, Refusal: code, RefusalText: text.EN, RefusalTextFr: text.FR}
	a.send([]ledger.Answer{{Sender: to, Ack: ack}}, 0)
}

func (a *acks) publish(one ledger.Answer, credit uint32) error {
	one.Ack.CreditBytes = credit
	payload, err := a.codec.Encode(one.Ack)
	if err != nil {
		return err
	}
	if err := a.source.publish(wire.Topic(one.Site, one.Agent, wire.LeafAck), payload); err != nil {
		return fmt.Errorf("acknowledging %s/%s: %w", one.Site, one.Agent, err)
	}
	return nil
}

// creditFor returns the number of bytes that one agent may have in flight: its share of the total, less when messages
// queue up here.
func (a *acks) creditFor(waiting int) uint32 {
	share := min(totalCredit/max(a.states.online(), 1), maxCredit)
	return uint32(max(share*(queueLength-waiting)/queueLength, minCredit))
}
