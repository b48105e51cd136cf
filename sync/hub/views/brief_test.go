package views

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/sync/hub/ledger/store"
)

// TestBrief: a brief document is the whole one without its readings, but for the first, also with personal values that are
// sealed, and where an encoded body has the document in pieces or something else behind it.
func TestBrief(t *testing.T) {
	sealer := personal.NewSealer([]byte("secret"))
	rapid.Check(t, func(t *rapid.T) {
		o := observation.New(observation.Class_CLASS_EVENT, began, drawDocument(t))
		o.Body.Artifacts = []*observation.Artifact{{Size: 1}}
		text, err := proto.Marshal(o.Body)
		if err != nil {
			t.Fatal(err)
		}
		r := &row{sealer: sealer, OwnedRow: store.OwnedRow{Row: store.Row{Kind: o.Body.Kind(), Body: text}}}
		switch rapid.SampledFrom([]string{"clear", "sealed", "pieces", "other"}).Draw(t, "how") {
		case "sealed":
			public, values, err := personal.Split(r.Kind, text)
			if err != nil {
				t.Fatal(err)
			}
			if r.Body = public; !values.IsZero() {
				r.Sealed = sealer.Seal(values, "")
			}
		case "pieces":
			more, err := proto.Marshal(observation.New(observation.Class_CLASS_EVENT, began, drawDocument(t)).Body)
			if err != nil {
				t.Fatal(err)
			}
			r.Body = append(text, more...)
		case "other":
			other, err := proto.Marshal(observation.New(observation.Class_CLASS_EVENT, began, &observation.PassageOpened{Id: "p"}).Body)
			if err != nil {
				t.Fatal(err)
			}
			r.Body = append(text, other...)
		}
		b, err := r.values()
		if err != nil {
			t.Fatal(err)
		}
		whole := b.GetPassageClosed()
		if whole != nil {
			whole.Readings, whole.Possible = whole.Readings[:min(1, len(whole.Readings))], nil
		}
		if brief, err := r.brief(&scratch{}); err != nil || !proto.Equal(brief, whole) {
			t.Fatalf("%v\ninstead of\n%v (%v)", brief, whole, err)
		}
	})
}

func drawDocument(t *rapid.T) *observation.PassageClosed {
	d := &observation.PassageClosed{
		Id: rapid.String().Draw(t, "id"), Plate: rapid.SampledFrom([]string{"", "ABC123"}).Draw(t, "plate"),
		OpenedNs: rapid.Int64().Draw(t, "opened"), Alarm: rapid.Bool().Draw(t, "alarm"), SpeedKph: 12, WeightKg: 24050,
		Codes: rapid.SliceOfN(rapid.StringN(1, 20, 20), 0, 2).Draw(t, "codes"),
	}
	for _, to := range []*[]*observation.PassageReading{&d.Readings, &d.Possible} {
		for i := range rapid.IntRange(0, 3).Draw(t, "readings") {
			*to = append(*to, &observation.PassageReading{Idx: int64(i), Reason: rapid.String().Draw(t, "reason")})
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "stations") {
		d.Stations = append(d.Stations, &observation.PassageStation{Station: "entry", Seen: rapid.Bool().Draw(t, "seen")})
	}
	return d
}

// TestBriefOfBytes: what is no message is an error, and no panic.
func TestBriefOfBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &row{OwnedRow: store.OwnedRow{Row: store.Row{Kind: observation.Kind_KIND_PASSAGE_CLOSED, Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body")}}}
		b, err := r.body()
		if brief, other := r.brief(&scratch{}); err == nil && (other != nil || (brief != nil) != (b.GetPassageClosed() != nil)) {
			t.Fatalf("%v, %v instead of %v", brief, other, b)
		}
	})
}
