package observation

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

// TestReports: the report on a row with boxes is found by its key, that on a copy by the key of what it is a copy of; others
// have none, and what cannot be decoded neither.
func TestReports(t *testing.T) {
	journal := []byte("0123456789abcdef")
	box := []*CaseAttachment{{}, {Boxes: []*CaseBox{{Label: "x"}}}}
	for name, c := range map[string]struct {
		body proto.Message
		want string // on it, in it, whether its artifacts go, rows that it is on
	}{
		"boxes":           {&CaseEvent{Key: "k", Attachments: box}, "report 3031323334353637/5  false [0 0]"},
		"a copy of boxes": {&CaseEvent{Key: "k", Attachments: box, Origin: &CaseOrigin{Journal: []byte("hub"), Idx: 7}}, "report 687562/7  false [0 0]"},
		"a report":        {&CaseEvent{Key: ReportKey(journal, 5), Attachments: []*CaseAttachment{{Row: 5}}}, " report 3031323334353637/5 true [5]"},
		"a comment":       {&CaseEvent{Key: "k"}, "  false []"},
		"a plate":         {&VehiclePlate{}, "  true []"},
	} {
		t.Run(name, func(t *testing.T) {
			o := New(Class_CLASS_EVENT, time.Unix(1, 0), c.body)
			body, err := proto.Marshal(o.Body)
			if err != nil {
				t.Fatal(err)
			}
			kind := o.Body.Kind()
			got := fmt.Sprint(ReportOn(kind, body, journal, 5), " ", ReportIn(kind, body), " ", TakesArtifacts(kind, body), " ", ReportedRows(body))
			if got != c.want {
				t.Errorf("%q, expected %q", got, c.want)
			}
		})
	}
	if ReportOn(Kind_KIND_CASE_EVENT, []byte{0xff}, journal, 1)+ReportIn(Kind_KIND_CASE_EVENT, []byte{0xff}) != "" {
		t.Error("what is no message has a report")
	}
}
