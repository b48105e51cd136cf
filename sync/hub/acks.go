package hub

import (
	"fmt"
	"log/slog"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// Bytes that agents may have in flight, which bounds the memory that messages take on their way to
// the ledger: agents together stay within totalCredit, but for the minCredit that each has in any
// case, so that a hub under load slows agents down and stops none.
const (
	totalCredit = 32 << 20 // all agents together
	minCredit   = 64 << 10 // one agent
	maxCredit   = 4 << 20  // one agent
)

// acks sends acknowledgements. It may be used from several goroutines. One that is lost does no
// harm: cursors are cumulative, and an agent that hears nothing says hello again (docs/wire.md).
type acks struct {
	codec   *wire.Codec
	source  source
	states  *states
	metrics *metrics
	hubKey  string          // public; said in the answer to a hello
	refused chan<- struct{} // gets a token after a refusal, if it has room; nil for nobody
	log     *slog.Logger
}

// send publishes the ledger's answers and logs refusals and defects. load is how full the hub is, from 0 to 1; the
// fuller, the less credit is granted. An acknowledgement that cannot be sent is logged and given up.
func (a *acks) send(answers []ledger.Answer, load float64) {
	credit := a.creditFor(load)
	for _, one := range answers {
		if one.Ack.Refusal != wire.Refusal_REFUSAL_NONE {
			a.metrics.refusals.Inc()
			select {
			case a.refused <- struct{}{}:
			default:
			}
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

// refuse answers a message that does not get as far as the ledger. journal is the journal that the
// message named, so that an agent that has since begun another one ignores the answer.
func (a *acks) refuse(to ledger.Sender, journal []byte, code wire.Refusal, said message.Message) {
	text := said.Text()
	ack := &wire.Ack{Journal: journal, Refusal: code, RefusalText: text.EN, RefusalTextFr: text.FR}
	a.send([]ledger.Answer{{Sender: to, Ack: ack}}, 0)
}

// publish writes the credit into the acknowledgement and sends it. It changes one.Ack.
func (a *acks) publish(one ledger.Answer, credit uint32) error {
	one.Ack.CreditBytes = credit
	if one.Ack.HelloEpoch != 0 {
		one.Ack.HubKey = a.hubKey
	}
	payload, err := a.codec.Encode(one.Ack)
	if err != nil {
		return err
	}
	if err := a.source.publish(wire.Topic(one.Site, one.Agent, wire.LeafAck), payload); err != nil {
		return fmt.Errorf("acknowledging %s/%s: %w", one.Site, one.Agent, err)
	}
	return nil
}

// creditFor returns the number of bytes that one agent may have in flight: its share of the total,
// less the fuller the hub is (load, from 0 to 1), and never less than minCredit.
func (a *acks) creditFor(load float64) uint32 {
	share := min(totalCredit/max(a.states.online(), 1), maxCredit)
	return uint32(max(float64(share)*(1-load), minCredit))
}
