package hubapi

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/ledger"
)

// NewCloudEvent returns the event of a row as CloudEvents 1.0 has it. Its id, JOURNAL/IDX, is the same
// in every copy of the row, so that readers can recognise one they have had. A body that this
// version cannot decode is passed on in hex.
func NewCloudEvent(e *ledger.Event, cursor, lane string) CloudEvent {
	out := CloudEvent{
		SpecVersion: "1.0", ID: fmt.Sprintf("%x/%d", e.Journal, e.Idx), Source: "/lanewarden/" + e.Site + "/" + e.Agent,
		Type: "lanewarden." + e.Kind.Name() + ".v1", Subject: e.Device, Time: time.Unix(0, e.TimeNs).UTC().Format(time.RFC3339Nano),
		ContentType: "application/json", Cursor: cursor, Class: e.Class.Name(), Lane: lane,
		Passage: e.Passage, Plate: e.Plate, Confidence: probability(e.Confidence),
		Other: e.Other.Passage, OtherPlate: e.Other.Plate, OtherShare: probability(e.Other.Confidence),
		Idx: strconv.FormatInt(e.Idx, 10), Journal: fmt.Sprintf("%x", e.Journal),
	}
	var body observation.Body
	err := proto.Unmarshal(e.Body, &body)
	if err == nil {
		out.Data, err = api.ShownJSON(&body)
	}
	if err != nil {
		out.Data, _ = json.Marshal(map[string]any{"undecoded": hex.EncodeToString(e.Body), "error": err.Error()})
	}
	return out
}

// probability formats a number from 0 to 1 as text, since CloudEvents attributes have no fractions;
// "" for 0, which the ledger uses for an unknown one. 32 bits are what the agent wrote, so 0.95
// does not become 0.949999988079071.
func probability(p float64) string {
	if p == 0 {
		return ""
	}
	return strconv.FormatFloat(p, 'f', -1, 32)
}
