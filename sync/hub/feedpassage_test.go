package hub

import (
	"encoding/json"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
)

// An event names each passage that its reading may be of; CloudEvents have no attributes with fractions, so confidences
// are text. What is not known is left out.
func TestEventOfTwoPassages(t *testing.T) {
	for name, c := range map[string]struct {
		in, other ledger.Candidate
		want      map[string]string
	}{
		"none":          {ledger.Candidate{}, ledger.Candidate{}, map[string]string{}},
		"from earlier":  {ledger.Candidate{Passage: "a", Plate: "AAA111"}, ledger.Candidate{}, map[string]string{"lwpassage": "a", "lwplate": "AAA111"}},
		"one candidate": {ledger.Candidate{Passage: "a", Confidence: 1}, ledger.Candidate{}, map[string]string{"lwpassage": "a", "lwconfidence": "1"}},
		"this or the next": {
			ledger.Candidate{Passage: "a", Plate: "AAA111", Confidence: float64(float32(0.62))}, ledger.Candidate{Passage: "b", Plate: "BBB222", Confidence: 0.375},
			map[string]string{
				"lwpassage": "a", "lwplate": "AAA111", "lwconfidence": "0.62",
				"lwother": "b", "lwotherplate": "BBB222", "lwotherconfidence": "0.375",
			},
		},
		"of nobody, perhaps": {
			ledger.Candidate{Confidence: 0.625}, ledger.Candidate{Passage: "b", Confidence: 0.375},
			map[string]string{"lwconfidence": "0.625", "lwother": "b", "lwotherconfidence": "0.375"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := &ledger.Event{Class: observation.Class_CLASS_ALARM, Kind: observation.Kind_KIND_RADIATION_OCCUPANCY, Candidate: c.in, Other: c.other}
			text, err := json.Marshal(hubapi.NewCloudEvent(e, "cursor", ""))
			if err != nil {
				t.Fatal(err)
			}
			var all map[string]any
			if err := json.Unmarshal(text, &all); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"lwpassage", "lwplate", "lwconfidence", "lwother", "lwotherplate", "lwotherconfidence"} {
				got, there := all[name]
				if want, wanted := c.want[name]; there != wanted || there && got != want {
					t.Errorf("%s is %v, expected %q in %s", name, got, want, text)
				}
			}
		})
	}
}
