package main

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
)

// Rows of earlier versions have text in fields that are reserved since. Their readable form is right without it, and wrong
// with anything that is not proven.
func TestReadableFormOfEarlierRows(t *testing.T) {
	plain := &observation.Body{Of: &observation.Body_PassageClosed{PassageClosed: &observation.PassageClosed{
		Id: "lane-1-1", Plate: "ABC123", Stations: []*observation.PassageStation{{Station: "exit"}},
	}}}
	old := proto.CloneOf(plain)
	text := func(number protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), s)
	}
	old.GetPassageClosed().ProtoReflect().SetUnknown(append(text(5, "left"), text(13, "forward")...))
	old.GetPassageClosed().Stations[0].ProtoReflect().SetUnknown(text(5, "missed"))
	newer := proto.CloneOf(plain)
	newer.GetPassageClosed().ProtoReflect().SetUnknown(text(1000, "of a later version"))
	shown, err := observation.JSON(&observation.Observation{Device: "agent", Body: plain})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		body  *observation.Body
		shown string
		ok    bool
	}{
		"of this version":         {plain, string(shown), true},
		"of an earlier version":   {old, string(shown), true},
		"indented":                {old, strings.ReplaceAll(string(shown), ",", ", "), true},
		"another plate":           {old, strings.Replace(string(shown), "ABC123", "XYZ789", 1), false},
		"an end that is not read": {old, strings.Replace(string(shown), `"plate"`, `"end":"reversed","plate"`, 1), false},
		"of a later version":      {newer, string(shown), false},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := proto.Marshal(c.body)
			if err != nil {
				t.Fatal(err)
			}
			err = readable(&evidence.ExportedRecord{Device: "agent", Body: body, Observation: json.RawMessage(c.shown)})
			if (err == nil) != c.ok {
				t.Errorf("%v: %s", err, c.shown)
			}
		})
	}
}
