package driver

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// A message says the same after it was in the journal, in each language.
func TestMessageRoundTrip(t *testing.T) {
	at := time.Date(2026, 3, 1, 14, 5, 59, 7, time.FixedZone("CET", 3600))
	inner := message.New("days", message.Count("n", 3))
	m := message.Sentence(
		message.New("within", message.String("where", "rpm-1"), message.Nested("cause", inner)),
		message.New("within", message.Quantity("where", 2.25, 1, "s"), message.Duration("cause", time.Hour)),
		message.New("within", message.ExactDuration("where", time.Millisecond), message.Arg{Name: "cause",
			Value: message.Instant{Time: at, Precision: message.ToSecond}}),
		message.New("within", message.Names("where", []string{"a", "b"}), message.Nested("cause", message.Message{})),
		message.Verbatim("as it came"))
	raw, err := proto.Marshal(EncodeMessage(m))
	if err != nil {
		t.Fatal(err)
	}
	var back observation.Message
	if err := proto.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	got := DecodeMessage(&back, "English")
	for _, l := range message.Languages {
		if got.In(l) != m.In(l) || !strings.Contains(got.In(l), "14:05:59 CET") {
			t.Errorf("%q, want %q", got.In(l), m.In(l))
		}
	}
}

// Rows of older agents, of persons and of newer agents are shown as their text.
func TestDecodeMessageAsText(t *testing.T) {
	deep := &observation.Message{Code: "within"}
	for range 100 {
		arg := &observation.MessageArgument{Name: "cause", Value: &observation.MessageArgument_Message{Message: deep}}
		deep = &observation.Message{Code: "within", Arguments: []*observation.MessageArgument{arg}}
	}
	for name, m := range map[string]*observation.Message{
		"older":  nil,
		"newer":  {Code: "of-tomorrow"},
		"within": EncodeMessage(message.New("within", message.Nested("cause", message.New("of-tomorrow")))),
		"deep":   deep,
	} {
		if got := DecodeMessage(m, "in English").In(message.French); got != "in English" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := DecodeMessage(&observation.Message{Code: "of-tomorrow"}, "").English(); got != "of-tomorrow" {
		t.Errorf("without text: %q", got)
	}
}
