package wire

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"lanewarden/drivers/observation"
)

// TestAsyncAPI holds docs/asyncapi.yaml against the topics and messages of the code.
func TestAsyncAPI(t *testing.T) {
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		AsyncAPI string
		Channels map[string]struct {
			Address  string
			Messages map[string]struct {
				Ref string `yaml:"$ref"`
			}
		}
		Operations map[string]struct {
			Action  string
			Channel struct {
				Ref string `yaml:"$ref"`
			}
		}
		Components struct {
			Messages map[string]struct {
				ContentType string `yaml:"contentType"`
				Payload     struct {
					Properties map[string]any
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		Topic("{site}", "{agent}", LeafHello): "Hello", Topic("{site}", "{agent}", LeafAck): "Ack", Topic("{site}", "{agent}", LeafState): "State",
		Topic("{site}", "{agent}", LeafChunk): "Chunk", Topic("{site}", "{agent}", LeafRenew): "Renewal",
		Topic("{site}", "{agent}", LeafGet): "Get", Topic("{site}", "{agent}", LeafPart): "Part",
		Topic("{site}", "{agent}", LeafOrder): "Command", JSONTopic("{site}", "{agent}", "{class}", "{family}.{kind}"): "Event",
	}
	for _, class := range observation.Classes {
		want[ClassTopic("{site}", "{agent}", class)] = "Batch"
	}
	used := map[string]bool{}
	for _, op := range doc.Operations {
		used[strings.TrimPrefix(op.Channel.Ref, "#/channels/")] = true
	}
	for name, c := range doc.Channels {
		message := want[c.Address]
		for _, m := range c.Messages {
			if message == "" || m.Ref != "#/components/messages/"+message {
				t.Errorf("channel %s: %s carries %s; the code says %q", name, c.Address, m.Ref, message)
			}
		}
		if !used[name] {
			t.Errorf("channel %s has no operation", name)
		}
		delete(want, c.Address)
	}
	if len(want) > 0 || !strings.HasPrefix(doc.AsyncAPI, "3.") {
		t.Errorf("not in the document: %v; version %s", want, doc.AsyncAPI)
	}
	fields := (&State{}).ProtoReflect().Descriptor().Fields()
	var have []string
	for i := range fields.Len() {
		have = append(have, fields.Get(i).JSONName())
	}
	for name := range doc.Components.Messages["State"].Payload.Properties {
		if !slices.Contains(have, name) {
			t.Errorf("State has no field %s", name)
		}
	}
	if n := len(doc.Components.Messages["State"].Payload.Properties); n != len(have) {
		t.Errorf("the document lists %d fields of State, the code %d", n, len(have))
	}
}
