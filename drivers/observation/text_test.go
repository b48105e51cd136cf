package observation

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

func TestReplaceInvalidText(t *testing.T) {
	const bad, good = "M\xfcller", "M\uFFFDller"
	body := New(Class_CLASS_EVENT, time.Unix(1, 0), &TraceAnalysis{Operator: bad, Reasons: []string{"fine", bad},
		Messages: []*Message{{Code: "x", Arguments: []*MessageArgument{{Value: &MessageArgument_Text{Text: bad}}}}},
		Found:    []*TraceFind{{Substance: bad}}}).Body
	body.Artifacts = []*Artifact{{Name: bad, Sha256: []byte{0xff, 0xfe}}}
	if _, err := proto.Marshal(body); err == nil {
		t.Fatal("a text that is no UTF-8 can be encoded: nothing needs to be replaced any more")
	}
	ReplaceInvalidText(body)
	if _, err := proto.Marshal(body); err != nil {
		t.Error(err)
	}
	a := body.GetTraceAnalysis()
	if a.Operator != good || a.Reasons[0] != "fine" || a.Reasons[1] != good || a.Found[0].Substance != good ||
		a.Messages[0].Arguments[0].GetText() != good || body.Artifacts[0].Name != good ||
		body.Artifacts[0].Sha256[0] != 0xff {
		t.Errorf("%v", body)
	}
}
