package casebook

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dicos/sim"
	"lanewarden/edge/cases"
)

// Boxes that an officer draws, at the lane or at the centre, become a DICOS report of an operator, once; a file that is no
// image has none.
func TestBoxesBecomeReports(t *testing.T) {
	d := newDesk(t)
	var file bytes.Buffer
	if err := (sim.Scan{Seed: 3, Rows: 20, Columns: 60, At: time.Unix(1_800_000_000, 0), OOI: "MSCU1234565"}).WriteImage(&file); err != nil {
		t.Fatal(err)
	}
	image, err := d.journal.StoreArtifact(t.Context(), &file, "application/dicom", "a.dcs")
	if err != nil {
		t.Fatal(err)
	}
	other, err := d.journal.StoreArtifact(t.Context(), bytes.NewReader([]byte("GIF89a")), "image/gif", "b.gif")
	if err != nil {
		t.Fatal(err)
	}
	d.commit(observation.Class_CLASS_EVENT, "xray-1", &observation.XrayImage{}, image, other)
	d.passage("p", d.alarm())
	d.until("p", func(c *cases.Case) bool { return c.State == cases.Open })
	box := func(of *observation.Artifact) *observation.CaseAttachment {
		return &observation.CaseAttachment{Sha256: of.Sha256, Boxes: []*observation.CaseBox{{Label: "here", X: []float32{1, 9}, Y: []float32{2, 8}}}}
	}
	act := &observation.CaseEvent{
		Id: "p", Action: observation.CaseEvent_ACTION_DECIDE, By: "ana", Role: "officer", Key: "k", Verdict: &observation.CaseVerdict{Code: 1},
		Attachments: []*observation.CaseAttachment{box(image), box(other)},
	}
	if _, err := d.Act(t.Context(), act, 1); err != nil {
		t.Fatal(err)
	}
	said := &observation.CaseEvent{
		Id: "p", Action: observation.CaseEvent_ACTION_COMMENT, By: "max", Role: "expert", Key: "m", Notes: "n", Centre: true, Seen: act.Seen,
		Attachments: []*observation.CaseAttachment{box(image)},
		Origin:      &observation.CaseOrigin{Journal: []byte("the hub's journal"), Idx: 7, TimeNs: time.Now().UnixNano()},
	}
	if err := d.Receive(t.Context(), said); err != nil {
		t.Fatal(err)
	}
	c := d.until("p", func(c *cases.Case) bool { return len(reportsOf(c)) == 2 })
	for _, sum := range reportsOf(c) {
		r, size, err := d.journal.OpenArtifact(sum)
		if err != nil {
			t.Fatal(err)
		}
		f, err := dicom.ReadHeader(r)
		if r.Close(); err != nil || size == 0 || f.Dataset.Find(0x40101027).String() != "OPERATOR" {
			t.Errorf("%v", err)
		}
	}
	d.stop()
	d.start() // what is there already is not made again
	d.passage("q", d.alarm())
	d.until("q", func(c *cases.Case) bool { return c.State == cases.Open })
	c = d.until("p", func(*cases.Case) bool { return true })
	if n := len(reportsOf(c)); n != 2 || len(c.Alarms) != 1 {
		t.Errorf("%d reports, %d alarms", n, len(c.Alarms))
	}
}

// A label that is erased is gone from the report of its box as well; another box's report stays, and none is made again.
func TestErasedLabelTakesItsReport(t *testing.T) {
	d := newDesk(t)
	var file bytes.Buffer
	if err := (sim.Scan{Seed: 3, Rows: 20, Columns: 60, At: time.Unix(1_800_000_000, 0)}).WriteImage(&file); err != nil {
		t.Fatal(err)
	}
	image, err := d.journal.StoreArtifact(t.Context(), &file, "application/dicom", "a.dcs")
	if err != nil {
		t.Fatal(err)
	}
	d.commit(observation.Class_CLASS_EVENT, "xray-1", &observation.XrayImage{}, image)
	d.passage("p", d.alarm())
	d.until("p", func(c *cases.Case) bool { return c.State == cases.Open })
	said := func(label string, idx int64) *observation.CaseEvent {
		return &observation.CaseEvent{
			Id: "p", Action: observation.CaseEvent_ACTION_COMMENT, By: "max", Role: "expert", Key: label, Notes: "n", Centre: true,
			Attachments: []*observation.CaseAttachment{{Sha256: image.Sha256, Boxes: []*observation.CaseBox{
				{Label: label, X: []float32{1, 9}, Y: []float32{2, 8}},
			}}},
			Origin: &observation.CaseOrigin{Journal: []byte("the hub's journal"), Idx: idx, TimeNs: time.Now().UnixNano()},
		}
	}
	for i, label := range []string{"Smith, cabin", "pallet"} {
		if err := d.Receive(t.Context(), said(label, int64(i))); err != nil {
			t.Fatal(err)
		}
	}
	act := said("coat of Smith", 0)
	act.Centre, act.Origin, act.By, act.Role, act.Key = false, nil, "ana", "officer", "k"
	if _, err := d.Act(t.Context(), act, 1); err != nil {
		t.Fatal(err)
	}
	c := d.until("p", func(c *cases.Case) bool { return len(reportsOf(c)) == 3 })
	readable := func() (n int, text []byte) {
		for _, sum := range reportsOf(c) {
			r, size, err := d.journal.OpenArtifact(sum)
			if err != nil {
				continue
			}
			all, err := io.ReadAll(io.NewSectionReader(r, 0, size))
			if err = errors.Join(err, r.Close()); err != nil {
				t.Fatal(err)
			}
			n, text = n+1, append(text, all...)
		}
		return n, text
	}
	if n, text := readable(); n != 3 || !bytes.Contains(text, []byte("Smith")) {
		t.Fatalf("%d reports, with the label: %v", n, bytes.Contains(text, []byte("Smith")))
	}
	if done, err := d.journal.EraseName(t.Context(), "Smith"); err != nil || done.Rows != 4 || done.Artifacts != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	if n, text := readable(); n != 1 || bytes.Contains(text, []byte("Smith")) || !bytes.Contains(text, []byte("pallet")) {
		t.Errorf("%d reports, with the label: %v", n, bytes.Contains(text, []byte("Smith")))
	}
	d.stop()
	d.start()
	d.passage("q", d.alarm())
	d.until("q", func(c *cases.Case) bool { return c.State == cases.Open })
	c = d.until("p", func(*cases.Case) bool { return true })
	if n, text := readable(); n != 1 || len(reportsOf(c)) != 3 || bytes.Contains(text, []byte("Smith")) {
		t.Errorf("after a restart %d of %d reports", n, len(reportsOf(c)))
	}
}

// reportsOf returns the hashes of the reports that the lane has made of boxes in a case.
func reportsOf(c *cases.Case) (out [][]byte) {
	for _, a := range c.Attachments {
		if a.By == cases.LaneRole {
			out = append(out, a.Sha256)
		}
	}
	return out
}
