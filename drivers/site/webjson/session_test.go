package webjson

import (
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// TestRefusedDocumentComesAgain: what the journal refused is new when the device posts it again, an alarm is one still.
func TestRefusedDocumentComesAgain(t *testing.T) {
	hot := 90.0
	p := &Profile{Name: "gauge", Messages: []Message{{Name: "brake",
		Fields: []Field{{Path: "t", Field: profile.Field{Name: "t", Factor: 1}}},
		Alarm:  []profile.Rule{{Field: "t", Above: &hot}}}}}
	sink := drivertest.NewSink()
	s := &session{sink: sink, last: map[string]reported{}, device: &device{env: driver.Env{Device: "gauge"},
		Config: Config{HTTP: &transport.HTTP{}, Report: time.Hour, Profile: driver.Ref[Profile]{Value: p}}}}
	post := func(doc string) error {
		return s.posted(t.Context(), transport.Document{Name: "d.json", Peer: "x", Body: strings.NewReader(doc)})
	}
	if err := post(`{"t":20}`); err != nil {
		t.Fatal(err)
	}
	sink.Refuse(true)
	if post(`{"t":95}`) == nil {
		t.Fatal("a document that was not stored is acknowledged")
	}
	sink.Refuse(false)
	for range 2 {
		if err := post(`{"t":95}`); err != nil {
			t.Fatal(err)
		}
	}
	all := sink.Of(observation.Kind_KIND_DEVICE_READING)
	if len(all) != 2 || all[1].Class != observation.Class_CLASS_ALARM {
		t.Errorf("%v", all)
	}
}
