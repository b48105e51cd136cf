package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/n42/sim"
	"lanewarden/drivers/transport/broker"
	"lanewarden/edge/evidence"
	"lanewarden/sync/wire"
)

// stranger is an agent made by hand: it says what it likes, and what the hub answers can be waited for.
type stranger struct {
	w        *world
	client   mqtt.Client
	codec    *wire.Codec
	id       []byte
	verifier string
	refusals chan *wire.Ack
}

func (w *world) stranger() *stranger {
	codec, err := wire.NewCodec()
	if err != nil {
		w.t.Fatal(err)
	}
	// The codec stays open: the client may still be delivering when the test ends.
	_, verifier, err := evidence.NewKey("test", "lane-2")
	if err != nil {
		w.t.Fatal(err)
	}
	s := &stranger{w: w, codec: codec, id: []byte("0123456789abcdef"), verifier: verifier, refusals: make(chan *wire.Ack, 1000)}
	s.connect()
	return s
}

func (s *stranger) connect() {
	o, err := wire.Broker{URL: "mqtt://" + s.w.mqtt, KeepAlive: time.Minute}.Options("stranger")
	if err != nil {
		s.w.t.Fatal(err)
	}
	s.w.waitFor("the broker to let the stranger in", time.Minute, func() bool {
		s.client = mqtt.NewClient(o)
		return broker.Wait(s.client.Connect(), 10*time.Second) == nil && broker.Wait(s.client.Subscribe("lw1/test/lane-2/ack", 0, func(_ mqtt.Client, m mqtt.Message) {
			ack := &wire.Ack{}
			if s.codec.Decode(m.Payload(), ack) == nil && ack.Refusal != 0 {
				s.refusals <- ack
			}
		}), 10*time.Second) == nil
	})
}

func (s *stranger) say(leaf string, payload []byte) {
	s.client.Publish("lw1/test/lane-2/"+leaf, 1, false, payload)
}

func (s *stranger) hello(journal []byte) []byte {
	hello, err := s.codec.Encode(&wire.Hello{Journal: journal, BlindKey: make([]byte, 32), Verifier: s.verifier, Size: 10, Epoch: 1})
	if err != nil {
		s.w.t.Fatal(err)
	}
	return hello
}

// forked sends a row as telemetry and then another of the same index as alarm, as a box does whose disk was restored.
func (s *stranger) forked() {
	s.say(wire.LeafHello, s.hello(s.id))
	for leaf, class := range map[string]observation.Class{"t": observation.Class_CLASS_TELEMETRY, "a": observation.Class_CLASS_ALARM} {
		batch, err := s.codec.Encode(wire.NewBatch(s.id, class, -1, []wire.Row{{Idx: 3, Time: 1, Device: leaf, Kind: observation.Kind_KIND_RADIATION_TAMPER, Body: []byte{}}}))
		if err != nil {
			s.w.t.Fatal(err)
		}
		s.say(leaf, batch)
	}
	s.say("a", []byte("no zstd"))
	s.say("x", []byte{0x28, 0xb5, 0x2f, 0xfd})
	s.say("state", []byte("{"))
}

// One agent's contradictions are its own: it is refused, an honest lane's documents arrive, also after the hub was killed
// with the bad messages in its memory, and no transaction ever failed.
func TestHostileAgentBesideAnHonestOne(t *testing.T) {
	w := newWorld(t, options{noPortal: true})
	s := w.stranger()
	for round := range 3 {
		s.id = fmt.Appendf(nil, "journal %08d", round)
		for range 50 {
			s.forked()
		}
		w.mustPost(t, sim.Document(sim.Pass{Number: round, Start: time.Now(), Seconds: 1}, 77))
		if round == 1 {
			w.hub.end(syscall.SIGKILL)
			w.hub.start()
			s.connect()
			s.forked()
		}
		w.waitFor("the refusal", time.Minute, func() bool {
			select {
			case ack := <-s.refusals:
				return ack.Refusal == wire.Refusal_REFUSAL_EVIDENCE && string(ack.Journal) == string(s.id) && strings.Contains(ack.RefusalText, "row 3")
			default:
				return false
			}
		})
		w.waitFor("the honest lane's document", time.Minute, w.drained)
	}
	storm := s.hello(s.id)
	for range 5000 {
		s.client.Publish("lw1/test/lane-2/"+wire.LeafHello, 0, false, storm)
	}
	w.mustPost(t, sim.Document(sim.Pass{Number: 9, Start: time.Now(), Seconds: 1}, 77))
	begin := time.Now()
	w.waitFor("the honest lane's document behind a storm of hellos", time.Minute, w.rowsDrained)
	t.Logf("%s behind 5000 hellos", time.Since(begin).Round(time.Millisecond))
	resp, err := http.Get("http://" + w.hubHTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(text), "lanehub_commit_failures_total 0\n") {
		t.Errorf("transactions failed: %v\n%s", err, text)
	}
	if strings.Contains(string(text), "lanehub_hellos_dropped_total 0\n") {
		t.Error("every hello of a storm was answered")
	}
	s.client.Disconnect(0)
}
